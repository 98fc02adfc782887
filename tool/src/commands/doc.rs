//! `jostle doc`: the pages of the library that programs use.
//!
//! They are made with the guest's compiler, for on the host the library does not compile. The
//! hard thing is that there may be no browser: where the pages are is printed always, and
//! opened only if that is asked for.

use crate::build::inner_cargo;
use crate::build::plan::Plan;
use crate::opener;
use crate::report::result;
use crate::status;
use crate::workspace::Workspace;

/// Makes the pages, and says where they are.
pub fn doc(open: bool) -> anyhow::Result<u8> {
    let workspace = Workspace::locate();
    let plan = Plan::make(&workspace)?;
    let page = inner_cargo::document(&workspace, &plan, "user")?;
    result(format_args!("{}\n", page.display()));
    if open {
        return opener::open(&page);
    }
    Ok(status::CLEAN)
}
