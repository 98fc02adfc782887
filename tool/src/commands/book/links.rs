//! Where the links of built pages lead.
//!
//! mdBook takes a link as it is, and copies nothing from outside of `docs/`. The hard thing is
//! that a link to a source is right in two places, in `docs/` and in the book, only if both lie
//! equally deep. That is so; and what is not there, or has no such heading, is found here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Pages by their paths from the tree's root, with what is in them.
pub type Pages = BTreeMap<PathBuf, String>;

/// mdBook's page for addresses that do not exist, which has a base of its own.
const NOT_FOUND: &str = "404.html";

/// The links that lead nowhere, and how many there are in all. `exists` says what is in the
/// tree.
pub fn dead(pages: &Pages, exists: impl Fn(&Path) -> bool) -> (usize, Vec<String>) {
    let names = pages.iter();
    let names: BTreeMap<&Path, BTreeSet<&str>> = names
        .map(|(path, text)| (path.as_path(), values(text, "id").collect()))
        .collect();
    let mut count = 0;
    let mut dead = Vec::new();
    for (path, text) in pages.iter().filter(|(path, _)| !path.ends_with(NOT_FOUND)) {
        for link in links(text) {
            count += 1;
            let (file, name) = link.split_once('#').unwrap_or((link, ""));
            let there = match target(path, file) {
                Some(target) => match names.get(target.as_path()) {
                    Some(names) => name.is_empty() || names.contains(name),
                    None => exists(&target),
                },
                None => false,
            };
            if !there {
                dead.push(format!("{}: {link}", path.display()));
            }
        }
    }
    (count, dead)
}

/// The page with its links out of `book` leading to the tree at this address.
pub fn led_away(path: &Path, text: &str, book: &Path, address: &str) -> String {
    let mut page = text.to_owned();
    for link in links(text).collect::<BTreeSet<_>>() {
        let (file, name) = link.split_at(link.find('#').unwrap_or(link.len()));
        let Some(target) = target(path, file).filter(|target| !target.starts_with(book)) else {
            continue;
        };
        let address = address.trim_end_matches('/');
        let there = format!("\"{address}/{}{name}\"", target.display());
        page = page.replace(&format!("\"{link}\""), &there);
    }
    page
}

/// What a page refers to without naming a server.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let links = values(text, "href").chain(values(text, "src"));
    links.filter(|link| !link.contains(':') && !link.is_empty())
}

/// The values of an attribute.
fn values<'t>(text: &'t str, attribute: &str) -> impl Iterator<Item = &'t str> {
    let begin = format!(" {attribute}=\"");
    let starts: Vec<usize> = text
        .match_indices(&begin)
        .map(|(index, found)| index + found.len())
        .collect();
    starts
        .into_iter()
        .filter_map(|start| text[start..].split('"').next())
}

/// The file that a link from this page names, from the root, if that is not above it.
fn target(page: &Path, link: &str) -> Option<PathBuf> {
    if link.is_empty() {
        return Some(page.to_path_buf());
    }
    let mut target = page.parent()?.to_path_buf();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !target.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(text: &str) -> Pages {
        let other = "<h2 id=\"here\">".to_owned();
        let pages = [("book/a/b.html", text.to_owned()), ("book/c.html", other)];
        pages.map(|(path, text)| (PathBuf::from(path), text)).into()
    }

    fn dead_in(text: &str) -> Vec<String> {
        dead(&pages(text), |path| path == Path::new("kcore/src/lib.rs")).1
    }

    #[test]
    fn links_to_pages_headings_and_sources_are_followed() {
        for good in [
            "<a href=\"../c.html\">",
            "<a href=\"../c.html#here\">",
            "<h1 id=\"top\"><a href=\"#top\">",
            "<a href=\"../../kcore/src/lib.rs\">",
            "<a class=\"x\" href=\"https://rustup.rs\">",
        ] {
            assert_eq!(dead_in(good), Vec::<String>::new(), "{good}");
        }
        for bad in [
            "<a href=\"c.html\">",
            "<a href=\"../c.html#there\">",
            "<a href=\"#top\">",
            "<img src=\"../none.png\">",
            "<a href=\"../../kcore/src/none.rs\">",
            "<a href=\"../../../above\">",
            "<a href=\"/c.html\">",
        ] {
            assert_eq!(dead_in(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn sources_are_elsewhere_and_pages_are_not() {
        let text = "<a href=\"../../kcore/src/lib.rs#L1\"> <a href=\"../c.html\">";
        let page = Path::new("book/a/b.html");
        let led = led_away(page, text, Path::new("book"), "https://there/tree/");
        let expected = "<a href=\"https://there/tree/kcore/src/lib.rs#L1\"> <a href=\"../c.html\">";
        assert_eq!(led, expected);
    }
}
