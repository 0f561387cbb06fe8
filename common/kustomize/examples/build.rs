//! `kustomize build`: prints what a directory builds to.
//!
//! `build [--load-restrictor R] [--reorder O] [--flux] [DIR]`; with `--flux`, DIR gets a generated kustomization file
//! first (in memory) if it has none, and the settings are Flux's.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flux_kustomize::file_system::{DiskFileSystem, OverlayFileSystem};
use flux_kustomize::loader::LoadRestrictions;
use flux_kustomize::root_file::{Overlay, generate};
use flux_kustomize::{Error, Options, Order, Program, build};

struct Arguments {
    options: Options<'static>,
    flux: bool,
    directory: PathBuf,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments = parse(std::env::args().skip(1))?;
    let message = |error: Error| error.message();
    // paths in messages are as deep as the user's, links not followed
    let directory = std::path::absolute(&arguments.directory).map_err(|error| error.to_string())?;
    let target = directory.to_string_lossy();
    let (text, warnings) = if arguments.flux {
        let files = DiskFileSystem::new(&directory).map_err(|error| error.to_string())?;
        let root = files.root().to_owned();
        let file = generate(&files, &root, &Overlay::default()).map_err(message)?;
        let files = OverlayFileSystem::new(&files, format!("{root}/{}", file.name), file.content);
        let output = build(&files, &root, &arguments.options).map_err(message)?;
        (output.to_yaml().map_err(message)?, output.warnings().to_vec())
    } else {
        let files = DiskFileSystem::new(Path::new("/")).map_err(|error| error.to_string())?;
        let output = build(&files, &target, &arguments.options).map_err(message)?;
        (output.to_yaml().map_err(message)?, output.warnings().to_vec())
    };
    for warning in warnings {
        eprintln!("{warning}");
    }
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| error.to_string())
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut restrictions = LoadRestrictions::RootOnly;
    let mut order = Order::Legacy;
    let mut flux = false;
    let mut directory = None;
    let mut arguments = arguments.flat_map(|argument| match argument.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => vec![flag.to_owned(), value.to_owned()],
        _ => vec![argument],
    });
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("flag needs an argument: {argument}"));
        match argument.as_str() {
            "--load-restrictor" => {
                restrictions = match value()?.as_str() {
                    "LoadRestrictionsNone" | "none" => LoadRestrictions::None,
                    "LoadRestrictionsRootOnly" => LoadRestrictions::RootOnly,
                    other => return Err(format!("illegal flag value --load-restrictor {other}")),
                }
            }
            "--reorder" => {
                order = match value()?.as_str() {
                    "legacy" => Order::Legacy,
                    "none" => Order::AsRead,
                    other => return Err(format!("illegal flag value --reorder {other}")),
                }
            }
            "--flux" => flux = true,
            flag if flag.starts_with('-') => return Err(format!("unknown flag: {flag}")),
            path if directory.is_none() => directory = Some(PathBuf::from(path)),
            _ => return Err("specify one path to kustomization.yaml".to_owned()),
        }
    }
    let program = Program::Kustomize;
    let options =
        if flux { Options::default() } else { Options { restrictions, order, remote: None, program } };
    Ok(Arguments { options, flux, directory: directory.unwrap_or_else(|| PathBuf::from(".")) })
}
