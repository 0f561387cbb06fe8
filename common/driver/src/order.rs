//! Order of objects by what they depend on. Pure.

use std::collections::HashMap;

use flux_kube::ObjectName;

/// Objects depend on each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("circular dependency detected: {}", path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
pub struct Cycle {
    /// The circle; its first object is also its last.
    pub path: Vec<ObjectName>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

/// Sorts `names` depth-first, so that an object comes after all that it depends on. Dependencies that were not in `names`
/// appear in the result as well (kustomize-controller.md 4).
///
/// # Errors
/// [`Cycle`] with its path.
pub fn sort(
    names: Vec<ObjectName>,
    dependencies: impl Fn(&ObjectName) -> Vec<ObjectName>,
) -> Result<Vec<ObjectName>, Cycle> {
    let mut marks: HashMap<ObjectName, Mark> = HashMap::new();
    let mut sorted = Vec::with_capacity(names.len());
    for root in names {
        if marks.contains_key(&root) {
            continue;
        }
        marks.insert(root.clone(), Mark::Open);
        // a stack of our own: the depth is the users'
        let mut stack = vec![(root.clone(), dependencies(&root).into_iter())];
        while let Some((name, rest)) = stack.last_mut() {
            let Some(next) = rest.next() else {
                marks.insert(name.clone(), Mark::Done);
                sorted.push(name.clone());
                stack.pop();
                continue;
            };
            match marks.get(&next) {
                Some(Mark::Done) => {}
                Some(Mark::Open) => {
                    let path = stack.iter().map(|(name, _)| name.clone());
                    let path = path.skip_while(|name| *name != next).chain([next.clone()]).collect();
                    return Err(Cycle { path });
                }
                None => {
                    marks.insert(next.clone(), Mark::Open);
                    let rest = dependencies(&next).into_iter();
                    stack.push((next, rest));
                }
            }
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::new("a", text)
    }

    fn sorted(names: &[&str], edges: &[(&str, &str)]) -> Result<Vec<String>, Cycle> {
        let edges = |from: &ObjectName| {
            edges.iter().filter(|(one, _)| name(one) == *from).map(|(_, other)| name(other)).collect()
        };
        let sorted = sort(names.iter().map(|text| name(text)).collect(), edges)?;
        Ok(sorted.into_iter().map(|name| name.name).collect())
    }

    #[test]
    fn dependencies_come_first_even_if_not_selected() {
        let edges = [("app", "db"), ("db", "storage"), ("web", "app")];
        assert_eq!(
            sorted(&["web", "app", "other"], &edges).unwrap(),
            ["storage", "db", "app", "web", "other"]
        );
    }

    #[test]
    fn a_cycle_names_its_path() {
        let error = sorted(&["w", "x"], &[("w", "x"), ("x", "y"), ("y", "x")]).unwrap_err();
        assert_eq!(error.to_string(), "circular dependency detected: a/x -> a/y -> a/x");
    }

    #[test]
    fn a_long_chain_is_no_deep_recursion() {
        let chain = |from: &ObjectName| {
            let number: u32 = from.name.parse().unwrap();
            if number < 200_000 { vec![name(&(number + 1).to_string())] } else { vec![] }
        };
        assert_eq!(sort(vec![name("0")], chain).unwrap().len(), 200_001);
    }
}
