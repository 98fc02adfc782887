//! The state of x87 and SSE as 512 bytes, in the format of `fxsave`.
//!
//! The hard thing is that x87 registers are stored counted from the top, and which of
//! them are empty is not (Intel SDM volume 1, 10.5.1).

use super::Fpu;

/// Bytes of an image.
pub(super) const IMAGE: usize = 512;
/// How many of them `fxsave` writes.
pub(super) const WRITTEN: usize = 288;
/// The bits of MXCSR that exist.
pub(super) const MXCSR: u32 = 0xffff;

/// Where MXCSR is.
pub(super) const AT_MXCSR: usize = 24;
const AT_X87: usize = 32;
const AT_XMM: usize = 160;

impl Fpu {
    /// The state in the format of `fxsave`.
    pub fn image(&self) -> [u8; IMAGE] {
        let mut image = [0; IMAGE];
        image[0..2].copy_from_slice(&self.control.to_le_bytes());
        image[2..4].copy_from_slice(&self.status.to_le_bytes());
        image[4] = self.valid;
        image[AT_MXCSR..AT_MXCSR + 4].copy_from_slice(&self.mxcsr.to_le_bytes());
        image[AT_MXCSR + 4..AT_MXCSR + 8].copy_from_slice(&MXCSR.to_le_bytes());
        let top = usize::from(self.top());
        for index in 0..8 {
            let at = AT_X87 + index * 16;
            let bits = self.registers[(top + index) & 7].to_le_bytes();
            image[at..at + 10].copy_from_slice(&bits[..10]);
            let at = AT_XMM + index * 16;
            image[at..at + 16].copy_from_slice(&self.xmm[index].to_le_bytes());
        }
        image
    }

    /// The state that an image holds; bits that do not exist are ignored.
    pub fn from_image(image: &[u8; IMAGE]) -> Fpu {
        let word = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
        let mut fpu = Fpu {
            status: word(2),
            valid: image[4],
            // No bit above exists.
            mxcsr: word(AT_MXCSR).into(),
            ..Fpu::default()
        };
        fpu.set_control(word(0));
        let top = usize::from(fpu.top());
        for index in 0..8 {
            let mut bits = [0; 16];
            let at = AT_X87 + index * 16;
            bits[..10].copy_from_slice(&image[at..at + 10]);
            fpu.registers[(top + index) & 7] = u128::from_le_bytes(bits);
            let at = AT_XMM + index * 16;
            bits.copy_from_slice(&image[at..at + 16]);
            fpu.xmm[index] = u128::from_le_bytes(bits);
        }
        fpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_comes_back() {
        let mut fpu = Fpu::default();
        fpu.set_top(5);
        for index in 0..8u8 {
            fpu.set(index, 0x4000_c90f_daa2_2168_c234 + u128::from(index));
            fpu.xmm[usize::from(index)] = u128::MAX / (u128::from(index) + 2);
        }
        fpu.free(3);
        fpu.mxcsr = 0x7fa5;
        fpu.set_control(0x127f);
        assert_eq!(Fpu::from_image(&fpu.image()), fpu);
        // st(0) comes first, wherever it is.
        assert_eq!(fpu.image()[AT_X87], 0x34);
    }
}
