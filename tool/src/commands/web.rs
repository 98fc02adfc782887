//! `jostle web`: the simulated machine in a browser tab.
//!
//! The hard thing is what must be found out first: a folder that is somebody else's or a
//! port that is taken is said before anything is built.

pub mod files;
mod folder;
mod lesson;
mod server;

use crate::cli::Web;
use crate::report::{line, result};
use crate::status;

use self::files::files;
use self::folder::Folder;
use self::server::Server;

/// Where the page is served if nobody says.
const PORT: u16 = 8000;

/// Serves the page, or writes it into a folder.
pub fn web(options: &Web) -> anyhow::Result<u8> {
    if let Some(path) = &options.out {
        let folder = Folder::check(path)?;
        folder.write(&files()?)?;
        let page = path.join("index.html");
        result(format_args!("open {} in a browser\n", page.display()));
        return Ok(status::CLEAN);
    }
    let server = Server::bind(options.port.unwrap_or(PORT))?;
    let files = files()?;
    result(format_args!("http://{}/\n", server.address()));
    line("open this in a browser; Ctrl-C ends");
    server.serve(&files)
}
