//! Writing a picture to a file.
//!
//! The hard thing is a name mistyped: a picture is overwritten by the next one, and
//! nothing else ever is. What begins like the new picture is an old one.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::regular_file::{self, refusal};
use crate::status::usage;

/// Writes the picture. Its first line says what it is.
pub fn write(path: &Path, picture: &str) -> anyhow::Result<()> {
    let failed =
        |error: std::io::Error| usage(format_args!("cannot write {}: {error}", path.display()));
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(_) => {
            let len = regular_file::metadata(path)?.len();
            if len > 0 && !is_old(path, picture).map_err(failed)? {
                let why = "it exists, is no such picture, and is not overwritten";
                return Err(refusal(path, why));
            }
        }
    }
    std::fs::write(path, picture).map_err(failed)
}

/// Whether the file begins with the first line of this picture.
fn is_old(path: &Path, picture: &str) -> std::io::Result<bool> {
    let line = picture.split_inclusive('\n').next().unwrap_or_default();
    let mut first = Vec::new();
    let file = File::open(path)?;
    file.take(line.len() as u64).read_to_end(&mut first)?;
    Ok(first == line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_pictures_are_overwritten() {
        let scratch = Scratch::new("pictures");
        let file = scratch.file("picture");
        write(&file, "a picture\n1\n").expect("new");
        write(&file, "a picture\n2\n").expect("over an old one");
        std::fs::write(&file, "a diary").expect("written");
        let refused = write(&file, "a picture\n3\n").expect_err("no picture");
        assert!(refused.to_string().contains("not overwritten"), "{refused}");
        assert_eq!(std::fs::read(&file).expect("there"), b"a diary");
        std::fs::write(&file, "").expect("written");
        write(&file, "a picture\n4\n").expect("over nothing");
        let nowhere = scratch.file("no/such/folder");
        assert!(write(&nowhere, "a picture\n").is_err());
        assert!(write(scratch.path(), "a picture\n").is_err());
    }
}
