//! The page, served to this machine only.
//!
//! The hard thing is a port that somebody has: it is said before anything is built.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::anyhow;
use tiny_http::{Header, Method, Request, Response};

use super::files::PageFile;
use crate::status::usage;

/// A server that has its port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes a port of the loopback interface; 0 for any that is free.
    pub fn bind(port: u16) -> anyhow::Result<Server> {
        let taken = |error| {
            usage(format_args!(
                "cannot serve at port {port}: {error} (--port N takes another one)"
            ))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves these files until the process ends.
    pub fn serve(self, files: &[PageFile]) -> anyhow::Result<u8> {
        let server = tiny_http::Server::from_listener(self.listener, None)
            .map_err(|error| anyhow!("cannot serve: {error}"))?;
        loop {
            let request = server.recv()?;
            // Whoever asked may be gone.
            let _ = answer(request, files);
        }
    }
}

fn answer(request: Request, files: &[PageFile]) -> std::io::Result<()> {
    let readable = matches!(request.method(), Method::Get | Method::Head);
    let path = request.url().split(['?', '#']).next().unwrap_or_default();
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    match files.iter().find(|file| readable && file.name == name) {
        Some(file) => {
            let header = content_type(name).parse::<Header>();
            let response = Response::from_data(&file.bytes[..]);
            request.respond(match header {
                Ok(header) => response.with_header(header),
                Err(()) => response,
            })
        }
        None => request.respond(Response::from_string("not here\n").with_status_code(404)),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "Content-Type: text/html; charset=utf-8",
        Some("css") => "Content-Type: text/css; charset=utf-8",
        Some("js") => "Content-Type: text/javascript; charset=utf-8",
        Some("svg") => "Content-Type: image/svg+xml",
        _ => "Content-Type: application/octet-stream",
    }
}
