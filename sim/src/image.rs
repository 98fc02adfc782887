//! Small ELF images, to boot simulated environments from and to mutate.
//!
//! Nothing is hard here: fields lie at fixed offsets (Tool Interface Standard, ELF
//! 1.2), and are written by hand so that a test can make any of them wrong.

/// Bytes of an ELF header.
pub const HEADER: usize = 52;
/// Bytes of a program header.
pub const PROGRAM_HEADER: usize = 32;

/// A segment to load.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Address of its first byte.
    pub va: u32,
    /// Its bytes in the file.
    pub bytes: Vec<u8>,
    /// Its length in memory.
    pub mem_size: u32,
}

/// An executable for the i386 with these segments.
pub fn elf(entry: u32, segments: &[Segment]) -> Vec<u8> {
    let mut file = vec![0; HEADER + PROGRAM_HEADER * segments.len()];
    let set = |file: &mut Vec<u8>, offset: usize, bytes: &[u8]| {
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    };
    set(&mut file, 0, b"\x7fELF\x01\x01\x01");
    set(&mut file, 16, &[2, 0, 3, 0, 1, 0, 0, 0]);
    set(&mut file, 24, &entry.to_le_bytes());
    set(&mut file, 28, &(HEADER as u32).to_le_bytes());
    set(&mut file, 40, &[HEADER as u8, 0, PROGRAM_HEADER as u8, 0]);
    set(&mut file, 44, &(segments.len() as u16).to_le_bytes());
    for (index, segment) in segments.iter().enumerate() {
        let offset = file.len() as u32;
        file.extend_from_slice(&segment.bytes);
        let fields = [
            1,
            offset,
            segment.va,
            segment.va,
            segment.bytes.len() as u32,
            segment.mem_size,
            7,
            0x1000,
        ];
        for (i, field) in fields.into_iter().enumerate() {
            let at = HEADER + index * PROGRAM_HEADER + i * 4;
            set(&mut file, at, &field.to_le_bytes());
        }
    }
    file
}
