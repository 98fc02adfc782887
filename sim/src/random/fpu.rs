//! Programs use their x87 and SSE registers, and must find what they left there.
//!
//! The hard thing is that most uses test nothing: a number can be lost only when
//! another environment has used the registers in between. So the model keeps the
//! number of each environment, and programs use registers often.

use super::{Driver, Mismatch, Words};
use kcore::CpuId;

impl Driver<'_> {
    /// The program on `cpu` replaces the number in its registers.
    pub(super) fn use_fpu(&mut self, cpu: CpuId, words: Words) -> Result<(), Mismatch> {
        let id = self.env_on(cpu);
        let before = self.machine.cpu(cpu).frame;
        let mut found = self.machine.use_fpu(cpu, words[1]);
        if found.is_none() {
            self.machine.enter(cpu);
            self.machine.complete();
            // The model does not know what the exception left in the frame.
            self.machine.cpu_mut(cpu).frame = before;
            found = self.machine.use_fpu(cpu, words[1]);
        }
        let env = self.model.envs.get_mut(&id).expect("it runs");
        let kept = std::mem::replace(&mut env.fpu, words[1]);
        if found == Some(kept) {
            self.statistics.note("x87, what was left", 0);
            return Ok(());
        }
        let found = found.map_or("a trap".into(), |value| format!("{value:#x}"));
        Err(Mismatch::State(format!(
            "{id:08x} left {kept:#x} in its x87 registers and found {found}"
        )))
    }
}
