//! Builds the simulated machine for a browser.

use std::path::PathBuf;

use super::inner_cargo;
use super::plan::Plan;
use super::target::PAGE;
use crate::workspace::Workspace;

/// Builds it, and says where it is.
pub fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let plan = Plan::make_for(workspace, &PAGE)?;
    inner_cargo::build(workspace, &plan, "page", &["-p", "page", "--lib"])?;
    let folder = workspace.target().join("page").join(PAGE.triple);
    Ok(folder.join(PAGE.profile).join("page.wasm"))
}
