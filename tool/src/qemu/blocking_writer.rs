//! Output that waits for room, even on a non-blocking file.
//!
//! QEMU sets its terminal to non-blocking. That is a property of the open file,
//! which the tool's own standard output and error share with QEMU's input. So a
//! write to a terminal that is slower than the guest suddenly fails with "try
//! again". This writer waits for room and does try again.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

/// A writer whose writes never fail for want of room.
pub struct BlockingWriter<W>(pub W);

impl BlockingWriter<File> {
    /// Standard output without the library's buffer, which would lose count of
    /// what it has written when a write fails.
    pub fn stdout() -> io::Result<Self> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self(stdout.into()))
    }
}

impl<W: Write + AsFd> Write for BlockingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => wait_for_room(&self.0)?,
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns when something can be written, or when that would say what is wrong.
fn wait_for_room(output: &impl AsFd) -> io::Result<()> {
    match poll(&mut [PollFd::new(output, PollFlags::OUT)], None) {
        // A signal came: the next write will tell.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Duration;

    #[test]
    fn a_slow_reader_gets_everything() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        rustix::io::ioctl_fionbio(&writer, true).expect("non-blocking");
        // More than a pipe holds.
        let all: Vec<u8> = (0..1_000_000_u32).map(|i| (i / 7) as u8).collect();
        let slow = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            let mut got = Vec::new();
            reader.read_to_end(&mut got).map(|_| got)
        });
        let mut writer = BlockingWriter(writer);
        writer.write_all(&all).expect("waits");
        drop(writer);
        assert!(slow.join().expect("no panic").expect("readable") == all);
    }

    #[test]
    fn a_reader_who_went_away_is_noticed() {
        let (reader, writer) = io::pipe().expect("a pipe");
        rustix::io::ioctl_fionbio(&writer, true).expect("non-blocking");
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(reader);
        });
        let error = BlockingWriter(writer).write_all(&[0; 1_000_000]);
        assert_eq!(
            error.expect_err("nobody reads").kind(),
            ErrorKind::BrokenPipe
        );
        leaving.join().expect("no panic");
    }
}
