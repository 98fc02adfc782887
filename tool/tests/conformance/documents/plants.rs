//! Planted bugs by name: each one that a page asks for exists.
//!
//! That each that exists has its row in docs/planted.md is asked where the rows are tried,
//! in `planted_simulated.rs`. The hard thing here is what is a name: what is written in
//! capitals stands for any.

use jostle::plants::Plants;
use libtest_mimic::Failed;
use regex_lite::Regex;

use super::book::all_pages;
use crate::boot::host;
use crate::trial::Trial;

/// How a bug is asked for: of a kernel, and of the explorer.
const ASKED: &str = r"(?:\bplant=|--plant )([A-Za-z0-9_-]+)";

pub fn trials() -> impl Iterator<Item = Trial> {
    std::iter::once(Trial::test("documents::planted_bugs_exist", all_exist))
}

fn all_exist() -> Result<(), Failed> {
    let workspace = &host()?.workspace;
    let plants = Plants::read(workspace).map_err(|error| error.to_string())?;
    let asked = Regex::new(ASKED)?;
    let (mut count, mut unknown) = (0, Vec::new());
    for page in all_pages()? {
        let text = std::fs::read_to_string(workspace.root().join(&page))?;
        for (number, line) in text.lines().enumerate() {
            let found = asked.captures_iter(line).filter_map(|found| found.get(1));
            let is_name = |name: &&str| name.chars().any(|char| char.is_ascii_lowercase());
            for name in found.map(|name| name.as_str()).filter(is_name) {
                count += 1;
                if !plants.names().any(|known| known == name) {
                    unknown.push(format!("{}:{}: {name}", page.display(), number + 1));
                }
            }
        }
    }
    if unknown.is_empty() && count > 0 {
        return Ok(());
    }
    Err(format!("of {count} planted bugs these are not in plants/: {unknown:?}").into())
}
