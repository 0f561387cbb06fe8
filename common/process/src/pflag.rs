//! The command line in pflag's grammar and words (platform contract, section 3).
//!
//! `--name=value` and `--name value`; booleans may stand alone; the last of several wins; words without a hyphen are
//! passed over. A wrong flag prints the usage and what is wrong, and exits with 2.

use std::any::TypeId;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Parser};
use flux_api::GoDuration;
use flux_gotext::quote;

mod values;
pub use values::{Words, parse_bool, parse_count, parse_float, parse_int, parse_percentage};

/// Why a program does not run with its command line. The text is the usage, and after it what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// The usage was asked for.
    #[error("{usage}")]
    Help {
        /// The usage.
        usage: String,
    },
    /// A flag is not known, has no value, or one that it cannot have.
    #[error("{usage}{message}\n")]
    Wrong {
        /// The usage.
        usage: String,
        /// What is wrong, in pflag's words.
        message: String,
    },
}

impl FlagError {
    /// The exit status of the process.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Help { .. } => 0,
            Self::Wrong { .. } => 2,
        }
    }
}

/// Parses the flags of a controller; the first argument is the program's name.
///
/// # Errors
/// [`FlagError`]: what to print, and the exit status.
pub fn parse_flags<F: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<F, FlagError> {
    let command = F::command().args_override_self(true).disable_help_flag(true);
    let mut arguments = arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_default();
    let usage = || usage(&program, &command);
    let wrong = |message| FlagError::Wrong { usage: usage(), message };
    let settings = match settings(&command, arguments) {
        Ok(settings) => settings,
        Err(Stop::Help) => return Err(FlagError::Help { usage: usage() }),
        Err(Stop::Wrong(message)) => return Err(wrong(message)),
    };
    let arguments = std::iter::once(program.clone()).chain(settings);
    let matches = command.clone().try_get_matches_from(arguments);
    matches.and_then(|matches| F::from_arg_matches(&matches)).map_err(|error| wrong(complaint(&error)))
}

/// Why the arguments are not read to their end.
enum Stop {
    Help,
    Wrong(String),
}

/// The arguments as `--name=value`, one by one.
fn settings(command: &Command, mut arguments: impl Iterator<Item = String>) -> Result<Vec<String>, Stop> {
    let mut settings = Vec::new();
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else { continue };
        let Some(long) = flag.strip_prefix('-') else {
            return Err(shorthand(flag));
        };
        if long.is_empty() {
            break;
        }
        if long.starts_with(['-', '=']) {
            return Err(Stop::Wrong(format!("bad flag syntax: {argument}")));
        }
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        let Some(known) = command.get_arguments().find(|known| known.get_long() == Some(name)) else {
            return Err(if name == "help" {
                Stop::Help
            } else {
                Stop::Wrong(format!("unknown flag: --{name}"))
            });
        };
        let value = match value {
            Some(value) => value,
            None if is_bool(known) => "true".to_owned(),
            None => {
                arguments.next().ok_or_else(|| Stop::Wrong(format!("flag needs an argument: --{name}")))?
            }
        };
        settings.push(format!("--{name}={value}"));
    }
    Ok(settings)
}

/// No controller has a short flag but the one for help.
fn shorthand(flag: &str) -> Stop {
    match flag.bytes().next() {
        Some(b'h') | None => Stop::Help,
        Some(byte) => Stop::Wrong(format!("unknown shorthand flag: {:?} in -{flag}", char::from(byte))),
    }
}

/// What a value parser says, in pflag's frame.
fn complaint(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        Some(_) | None => "",
    };
    let cause = std::error::Error::source(error);
    match (error.kind(), cause) {
        (ErrorKind::ValueValidation, Some(cause)) => {
            let flag = context(ContextKind::InvalidArg).split(' ').next().unwrap_or_default();
            let value = quote(context(ContextKind::InvalidValue));
            format!("invalid argument {value} for {} flag: {cause}", quote(flag))
        }
        _ => error.render().to_string().trim_end().to_owned(),
    }
}

fn has_type<T: 'static>(flag: &Arg) -> bool {
    flag.get_value_parser().type_id() == TypeId::of::<T>()
}

fn is_bool(flag: &Arg) -> bool {
    has_type::<bool>(flag)
}

/// The flags in the order of their names, with type and default, as pflag prints them.
fn usage(program: &str, command: &Command) -> String {
    let mut flags: Vec<(String, String)> = command
        .get_arguments()
        .filter_map(|flag| {
            let name = flag.get_long()?;
            let value_type = type_name(flag);
            let gap = if value_type.is_empty() { "" } else { " " };
            Some((format!("      --{name}{gap}{value_type}"), description(flag)))
        })
        .collect();
    flags.sort();
    let width = flags.iter().map(|(flag, _)| flag.len()).max().unwrap_or_default();
    let lines = flags.iter().map(|(flag, text)| format!("{flag:width$}   {text}\n"));
    std::iter::once(format!("Usage of {program}:\n")).chain(lines).collect()
}

/// The flags that a usage shows: each one's name and type, and its default as written there (empty without one).
///
/// ```
/// let usage = "Usage of controller:\n      --concurrent int   Greatest number. (default 4)\n";
/// assert_eq!(flux_process::shown_flags(usage), [("concurrent int", "4")]);
/// ```
pub fn shown_flags(usage: &str) -> Vec<(&str, &str)> {
    let flags = usage.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split_once("   "));
    flags
        .map(|(flag, text)| {
            let default =
                text.rsplit_once(" (default ").map_or("", |(_, default)| default.trim_end_matches(')'));
            (flag, default)
        })
        .collect()
}

fn type_name(flag: &Arg) -> &'static str {
    let integer = has_type::<i64>(flag) || has_type::<usize>(flag);
    if is_bool(flag) {
        ""
    } else if has_type::<GoDuration>(flag) {
        "duration"
    } else if integer {
        "int"
    } else if has_type::<u8>(flag) {
        "uint8"
    } else if has_type::<f32>(flag) {
        "float32"
    } else if has_type::<Words>(flag) {
        "strings"
    } else if has_type::<crate::gates::GateSettings>(flag) {
        "mapStringBool"
    } else if matches!(flag.get_action(), ArgAction::Append) {
        "stringArray"
    } else {
        "string"
    }
}

/// Help and default; a default that is the zero value of its type is left out.
fn description(flag: &Arg) -> String {
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    let default = flag.get_default_values().first().map(|default| default.to_string_lossy().into_owned());
    match default.as_deref() {
        None | Some("" | "false" | "0") => help,
        Some(default) => match (type_name(flag), default.parse::<GoDuration>()) {
            ("duration", Ok(duration)) => format!("{help} (default {duration})"),
            ("string", _) => format!("{help} (default {})", quote(default)),
            _ => format!("{help} (default {default})"),
        },
    }
}

#[cfg(test)]
mod tests;
