//! `images`: other names, tags and digests.

use flux_yaml::{Kind, Node, Tag};
use regex::Regex;

use super::field_spec::{Create, FieldSpec, set_scalar, wrong_kind};
use super::shares::Shares;
use crate::error::{Error, Result};
use crate::kustomization::Image;
use crate::patch::{compile, is_literal};
use crate::resource_map::ResourceMap;

/// Lists in which images are replaced wherever they stand.
const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];
/// Resources of this kind only describe others.
const EXCLUDED_KIND: &str = "CustomResourceDefinition";

/// Replaces images in all resources: in lists of containers at any depth, then at the paths of the specs.
///
/// # Errors
/// The name of the image is no regular expression, upon which upstream panics, or a place for an image holds none.
pub(crate) fn replace_images(map: &mut ResourceMap, image: &Image, specs: &[FieldSpec]) -> Result<()> {
    let rule = Rule::new(image)?;
    for resource in map.iter_mut().filter(|resource| resource.kind() != EXCLUDED_KIND) {
        in_containers(resource.node_mut(), &rule)?;
    }
    for resource in map.iter_mut().filter(|resource| resource.kind() != EXCLUDED_KIND) {
        let node = resource.node_mut();
        let mut shares = Shares::default();
        for spec in specs {
            spec.visit(node, Create::Never, &mut |field| {
                rule.apply(field)?;
                shares.note(field);
                Ok(())
            })?;
        }
        shares.spread(node);
    }
    Ok(())
}

/// One entry of `images`, ready to be applied.
struct Rule<'i> {
    image: &'i Image,
    matcher: Matcher<'i>,
}

enum Matcher<'i> {
    /// A name without special characters but dots, each of which matches any character.
    Dotted(&'i str),
    Regex(Regex),
}

impl<'i> Rule<'i> {
    fn new(image: &'i Image) -> Result<Self> {
        let name = image.name.as_str();
        // the name is part of an expression, dots and all
        let matcher = if name.split('.').all(is_literal) {
            Matcher::Dotted(name)
        } else {
            let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
            let panic = |_| {
                Error::Panic("runtime error: invalid memory address or nil pointer dereference".to_owned())
            };
            Matcher::Regex(compile(&pattern).map_err(panic)?)
        };
        Ok(Self { image, matcher })
    }

    fn matches(&self, reference: &str) -> bool {
        match &self.matcher {
            Matcher::Dotted(name) => strip_dotted(reference, name).is_some_and(is_tag_and_digest),
            Matcher::Regex(regex) => regex.is_match(reference),
        }
    }

    fn apply(&self, node: &mut Node) -> Result<()> {
        if node.tag() != Tag::Null && !node.is_scalar() {
            return Err(wrong_kind(node, Kind::Scalar));
        }
        let reference = node.as_str().unwrap_or_default();
        if !self.matches(reference) {
            return Ok(());
        }
        let replaced = self.rewrite(reference);
        set_scalar(node, replaced, Tag::None)
    }

    fn rewrite(&self, reference: &str) -> String {
        let image = self.image;
        let Parts { name, tag, digest } = Parts::of(reference);
        let mut text = if image.new_name.is_empty() { name } else { &image.new_name }.to_owned();
        let (tag, digest) = match (image.new_tag.as_str(), image.digest.as_str(), image.tag_suffix.as_str()) {
            ("", "", "") => (tag.to_owned(), digest),
            ("", "", suffix) => (format!("{tag}{suffix}"), ""),
            (tag, digest, _) => (tag.to_owned(), digest),
        };
        if !tag.is_empty() {
            text.push(':');
            text.push_str(&tag);
        }
        if !digest.is_empty() {
            text.push('@');
            text.push_str(digest);
        }
        text
    }
}

/// What follows the name in a reference that starts with it; a dot in the name matches any character but a line break.
fn strip_dotted<'r>(reference: &'r str, name: &str) -> Option<&'r str> {
    let mut parts = name.split('.');
    let mut rest = reference.strip_prefix(parts.next().unwrap_or_default())?;
    for part in parts {
        let mut characters = rest.chars();
        characters.next().filter(|any| *any != '\n')?;
        rest = characters.as_str().strip_prefix(part)?;
    }
    Some(rest)
}

/// An image reference in parts.
struct Parts<'r> {
    name: &'r str,
    tag: &'r str,
    digest: &'r str,
}

impl<'r> Parts<'r> {
    fn of(reference: &'r str) -> Self {
        // a port before the first slash is no tag
        let start = reference.find('/').unwrap_or(0);
        let path = reference.get(start..).unwrap_or_default();
        let split = |at: usize| reference.split_at(start + at);
        match (path.find(':'), path.find('@')) {
            (None, None) => Self { name: reference, tag: "", digest: "" },
            (Some(colon), Some(at)) if colon < at => {
                let (name, rest) = split(colon);
                let (tag, digest) = rest.split_once('@').unwrap_or((rest, ""));
                Self { name, tag: tag.trim_start_matches(':'), digest }
            }
            (_, Some(at)) => {
                let (name, digest) = split(at);
                Self { name, tag: "", digest: digest.strip_prefix('@').unwrap_or(digest) }
            }
            (Some(colon), None) => {
                let (name, tag) = split(colon);
                Self { name, tag: tag.strip_prefix(':').unwrap_or(tag), digest: "" }
            }
        }
    }
}

/// `[:tag][@sha256:digest]`, as the expression has it.
fn is_tag_and_digest(text: &str) -> bool {
    let valid = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'{' | b'}' | b'-'))
    };
    let (tag, digest) = text.split_once('@').map_or((text, None), |(tag, digest)| (tag, Some(digest)));
    let tag = if tag.is_empty() { Some("") } else { tag.strip_prefix(':') };
    tag.is_some_and(valid) && digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(valid))
}

/// Replaces the images in every list of containers, the innermost first.
fn in_containers(node: &mut Node, rule: &Rule<'_>) -> Result<()> {
    for item in node.items_mut().into_iter().flatten() {
        in_containers(item, rule)?;
    }
    for entry in node.entries_mut().into_iter().flatten() {
        in_containers(&mut entry.value, rule)?;
        if !entry.name().is_some_and(|name| CONTAINER_LISTS.contains(&name)) {
            continue;
        }
        for container in entry.value.items_mut().into_iter().flatten() {
            if container.tag() == Tag::Null {
                continue;
            }
            if !container.is_mapping() {
                return Err(wrong_kind(container, Kind::Mapping));
            }
            if let Some(reference) = container.get_mut("image") {
                rule.apply(reference)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_rewritten() {
        let digest = "sha256:abc";
        for (reference, new_name, new_tag, new_digest, suffix, expected) in [
            ("nginx", "", "1", "", "", "nginx:1"),
            ("nginx:1.2", "", "", "", "-x", "nginx:1.2-x"),
            ("nginx:1.2@sha256:abc", "", "3", "", "", "nginx:3"),
            ("nginx:1.2", "", "", digest, "", "nginx@sha256:abc"),
            ("nginx:1.2", "", "3", digest, "", "nginx:3@sha256:abc"),
            ("nginx:1.2@sha256:abc", "r:5/n", "", "", "", "r:5/n:1.2@sha256:abc"),
            ("r:5000/nginx:1.2", "", "3", "", "", "r:5000/nginx:3"),
            ("r:5000/nginx", "", "3", "", "", "r:5000/nginx:3"),
            ("nginx@sha256:abc", "n", "", "", "", "n@sha256:abc"),
            ("nginx@sha256:abc", "", "", "", "-x", "nginx:-x"),
        ] {
            let image = Image {
                name: ".*".to_owned(),
                new_name: new_name.to_owned(),
                new_tag: new_tag.to_owned(),
                digest: new_digest.to_owned(),
                tag_suffix: suffix.to_owned(),
            };
            assert_eq!(Rule::new(&image).unwrap().rewrite(reference), expected, "{reference}");
        }
    }

    #[test]
    fn names_are_expressions_that_match_the_whole_reference() {
        for (name, reference, expected) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx:1@sha256:a", true),
            ("nginx", "nginx@sha512:a", false),
            ("nginx", "nginx-extra:1", false),
            ("nginx", "r/nginx", false),
            ("nginx", "nginx:1:2", false),
            (".*/nginx", "r:5/nginx:1", true),
            ("r.io/n", "ré.io/n", false),
            ("r.io/n", "r\nio/n", false),
            ("r.io/n", "réio/n:1@sha256:a", true),
            ("..", "ab:1", true),
            ("r.io/n", "rxio/n", true),
        ] {
            let image = Image { name: name.to_owned(), ..Image::default() };
            assert_eq!(Rule::new(&image).unwrap().matches(reference), expected, "{name} on {reference}");
        }
        let broken = Image { name: "a(".to_owned(), ..Image::default() };
        assert!(matches!(Rule::new(&broken), Err(Error::Panic(_))));
    }
}
