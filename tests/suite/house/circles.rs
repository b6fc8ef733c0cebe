//! No circles between the parts of an area: a feature of the screen, a service of the engine or a
//! topic of the domain can be read and changed without those that use it.
//!
//! A part is a folder or a file directly in the area. What the code names is computed from its `use`
//! declarations and paths; what `mod.rs` of the area re-exports counts as its own part. Start at
//! [`AREAS`].

use std::collections::{BTreeMap, BTreeSet};

use super::{code_lines, sources};

/// An area whose parts must not form circles.
struct CircleArea {
    /// Its folder below `src/`.
    folder: &'static str,
    /// Files besides `mod.rs` that hold all parts together, and so may name each of them.
    hubs: &'static [&'static str],
    /// Files of the parts that belong to another part, by name.
    assigned: Option<(&'static str, &'static str)>,
}

/// The areas. `mod.rs` of each is its hub: the state of the screen, the struct of services.
const AREAS: &[CircleArea] = &[
    CircleArea::new("tui"),
    CircleArea::new("tui/app"),
    CircleArea {
        // The services that are shared, and the ports that all are built from.
        hubs: &["ports.rs"],
        // The tasks of an area are what the background runner runs: they call the services.
        assigned: Some(("tasks.rs", "background")),
        ..CircleArea::new("engine")
    },
    CircleArea::new("cli"),
    CircleArea::new("domain"),
    CircleArea::new("net"),
    CircleArea::new("store"),
    CircleArea::new("database"),
    CircleArea::new("simulator"),
    CircleArea::new("util"),
];

impl CircleArea {
    const fn new(folder: &'static str) -> Self {
        Self { folder, hubs: &[], assigned: None }
    }

    /// Returns the part that a file of the area belongs to; `None` for a hub.
    fn part_of_file<'p>(&self, path: &'p str) -> Option<&'p str> {
        let inside = path.strip_prefix("src/")?.strip_prefix(self.folder)?.strip_prefix('/')?;
        let (part, is_folder) = match inside.split_once('/') {
            Some((folder, _)) => (folder, true),
            None => (inside.strip_suffix(".rs")?, false),
        };
        let file = inside.rsplit('/').next()?;
        match self.assigned {
            Some((name, owner)) if is_folder && name == file => Some(owner),
            _ if part == "mod" || self.hubs.contains(&inside) => None,
            _ => Some(part),
        }
    }

    /// Returns the part that a path of the crate names.
    fn part_of_path(&self, path: &[String], parts: &AreaParts) -> Option<String> {
        let [first, rest @ ..] = path.strip_prefix(segments(self.folder).as_slice())? else {
            return None;
        };
        if let (Some((name, owner)), Some(module)) = (self.assigned, rest.first())
            && name.strip_suffix(".rs") == Some(module)
        {
            return Some(owner.to_owned());
        }
        let part = parts.exported.get(first).unwrap_or(first);
        parts.names.contains(part).then(|| part.clone())
    }
}

/// The parts of an area, and what its `mod.rs` re-exports from them.
struct AreaParts {
    names: BTreeSet<String>,
    exported: BTreeMap<String, String>,
}

/// What each part names of the others, with an example.
type PartEdges = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn no_parts_of_an_area_form_a_circle() {
    let sources = sources();
    let mut circles = Vec::new();
    for area in AREAS {
        let edges = part_edges(area, &sources);
        assert!(!edges.is_empty(), "{} is elsewhere", area.folder);
        let reachable: BTreeMap<_, _> =
            edges.keys().map(|part| (part, reachable_from(part, &edges))).collect();
        let in_circle = edges
            .iter()
            .flat_map(|(from, named)| named.iter().map(move |(to, example)| (from, to, example)))
            .filter(|(from, to, _)| reachable.get(to).is_some_and(|found| found.contains(*from)))
            .map(|(from, to, example)| format!("{from} names {to}: {example}"));
        circles.extend(in_circle);
    }
    assert!(circles.is_empty(), "parts that form circles:\n{}", circles.join("\n"));
}

/// Returns which parts name which others.
fn part_edges(area: &CircleArea, sources: &[(String, String)]) -> PartEdges {
    let parts = area_parts(area, sources);
    let mut edges = PartEdges::new();
    for (path, text) in sources {
        let Some(from) = area.part_of_file(path) else { continue };
        let named = edges.entry(from.to_owned()).or_default();
        for named_path in named_paths(path, text) {
            if let Some(to) = area.part_of_path(&named_path, &parts).filter(|to| to != from) {
                named.entry(to).or_insert_with(|| format!("{path}: {}", named_path.join("::")));
            }
        }
    }
    edges
}

fn area_parts(area: &CircleArea, sources: &[(String, String)]) -> AreaParts {
    let names: BTreeSet<_> =
        sources.iter().filter_map(|(path, _)| area.part_of_file(path).map(str::to_owned)).collect();
    let hub = format!("src/{}/mod.rs", area.folder);
    let text = sources.iter().find(|(path, _)| *path == hub).map_or("", |(_, text)| text);
    let folder = segments(area.folder);
    let exported = named_paths(&hub, text)
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(folder.as_slice())?;
            let (part, name) = (inside.first()?, inside.last()?);
            (inside.len() > 1 && names.contains(part)).then(|| (name.clone(), part.clone()))
        })
        .collect();
    AreaParts { names, exported }
}

fn reachable_from(part: &str, edges: &PartEdges) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![part]);
    while let Some(part) = open.pop() {
        for next in edges.get(part).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// Returns the paths that the code of a file names, from the root of the crate.
fn named_paths(path: &str, text: &str) -> BTreeSet<Vec<String>> {
    let module = module_path(path);
    let code: Vec<_> = code_lines(text).map(|(_, line)| line).collect();
    let code = code.join("\n");
    let mut trees = Vec::new();
    for (at, _) in code.match_indices("use ") {
        read_path_tree(&code[at + "use ".len()..], Vec::new(), &mut trees);
    }
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start).filter(|(at, _)| !code[..*at].ends_with("::")) {
            read_path_tree(&code[at..], Vec::new(), &mut trees);
        }
    }
    trees.into_iter().filter_map(|tree| absolute_path(&module, &tree)).collect()
}

/// Reads a path, or the paths of a tree such as `a::{b, c::d}`; returns what follows.
fn read_path_tree<'t>(
    mut rest: &'t str,
    mut prefix: Vec<String>,
    found: &mut Vec<Vec<String>>,
) -> &'t str {
    loop {
        rest = rest.trim_start();
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside = inside.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
                if inside.is_empty() {
                    return inside;
                }
                if let Some(after) = inside.strip_prefix('}') {
                    return after;
                }
                inside = read_path_tree(inside, prefix.clone(), found);
                inside = &inside[inside.find([',', '}']).unwrap_or(inside.len())..];
            }
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if end > 0 && (rest[..end] != *"self" || prefix.is_empty()) {
            prefix.push(rest[..end].to_owned());
        }
        if let Some(after) = rest[end..].strip_prefix("::").filter(|_| end > 0) {
            rest = after;
        } else {
            found.push(prefix);
            return &rest[end..];
        }
    }
}

/// Returns the path of the module that a file is.
fn module_path(path: &str) -> Vec<String> {
    segments(path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod"))
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Resolves a path in a module, from the root of the crate. A path that starts with the name of a
/// child is one of the module itself; the name of a crate becomes a path that no part has.
fn absolute_path(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    Some(match first.as_str() {
        "crate" => rest.to_vec(),
        "self" => [module, rest].concat(),
        "super" => [module.get(..module.len().checked_sub(supers)?)?, &path[supers..]].concat(),
        _ => [module, path].concat(),
    })
}

#[test]
fn named_paths_are_read_from_use_trees_and_from_code() {
    let text = "//! crate::no::comment\nuse super::list;\nuse crate::a::{self, b::{C, D as E}, f::*};\n\
                pub use child::Name;\nfn g() { crate::x::y::<u8>(); super::super::z(); }\n\
                #[cfg(test)]\nmod tests { use crate::only::tests; }\n";
    let found = named_paths("src/one/two.rs", text);
    let found: Vec<_> = found.into_iter().map(|path| path.join("::")).collect();
    let expected = "a a::b::C a::b::D a::f one::list one::two::child::Name x::y z";
    assert_eq!(found, expected.split(' ').collect::<Vec<_>>());
}
