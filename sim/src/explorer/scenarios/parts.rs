//! The parts of scenarios: addresses, ids, short forms of calls, and preparations.
//!
//! The hard thing is to keep scenarios short enough to read as histories.

pub use super::scenario::{CPU0, RUN, RW, Scenario, Stage};
use crate::explorer::program::{Op, Value};
use crate::machine::Spec;
use abi::{Call, EnvStatus};

/// A page that environments use.
pub const A: u32 = 0x40_0000;
/// Another page, in the same page table.
pub const B: u32 = 0x40_1000;
/// Permissions to read only.
pub const RO: u32 = 5;
/// The status that stops.
pub const STOP: u32 = EnvStatus::NotRunnable as u32;
/// The first environment.
pub const PARENT: u32 = 0x1000;
/// Its child.
pub const CHILD: u32 = 0x1001;
/// Its second child, or its child's first.
pub const GRANDCHILD: u32 = 0x1002;

/// A call, whose arguments may be kept values.
pub fn call(call: Call, arguments: [Value; 5]) -> Op {
    Op::Call(call, arguments)
}

/// Replies with two words and waits for the next message, or only waits if `to` is 0.
pub fn reply(to: Value) -> Op {
    let [zero, seven] = [Value::Is(0), Value::Is(7)];
    call(Call::IpcReply, [to, zero, seven, seven, zero])
}

/// A call with constant arguments; missing ones are 0.
pub fn simple<const N: usize>(number: Call, arguments: [u32; N]) -> Op {
    let mut all = [Value::Is(0); 5];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = Value::Is(argument);
    }
    call(number, all)
}

/// `page_alloc`.
pub fn alloc(id: u32, va: u32) -> Op {
    simple(Call::PageAlloc, [id, va, RW])
}

/// `page_map`.
pub fn map(from: u32, from_va: u32, to: u32, to_va: u32, perm: u32) -> Op {
    simple(Call::PageMap, [from, from_va, to, to_va, perm])
}

/// `page_unmap`.
pub fn unmap(id: u32, va: u32) -> Op {
    simple(Call::PageUnmap, [id, va])
}

/// `env_set_status`.
pub fn set_status(id: u32, status: u32) -> Op {
    simple(Call::EnvSetStatus, [id, status])
}

/// `env_destroy`.
pub fn destroy(id: u32) -> Op {
    simple(Call::EnvDestroy, [id])
}

/// `env_destroy` of itself.
pub fn exit() -> Op {
    destroy(0)
}

/// `yield`.
pub fn r#yield() -> Op {
    simple(Call::Yield, [])
}

/// A scenario on two CPUs, in which every timer interrupt ends a quantum.
pub fn scenario(
    name: &'static str,
    about: &'static str,
    text: Vec<Op>,
    pages: &[u32],
    prepare: fn(&mut Stage<'_, '_>),
) -> Scenario {
    let spec = Spec {
        frames: 72,
        module_frames: 1,
        image_frames: 1,
        cpus: 2,
        quantum: 0,
        ..Spec::default()
    };
    Scenario {
        name,
        about,
        spec,
        text,
        pages: pages.to_vec(),
        prepare,
        forbid_stale: true,
        all_end: false,
    }
}

/// Where the child's program begins, in texts of a parent and a child.
pub const CHILD_AT: usize = 10;
/// Where the grandchild's program begins.
pub const GRANDCHILD_AT: usize = 20;

/// Puts three programs into one text, each at its place.
pub fn programs(parent: &[Op], child: &[Op], grandchild: &[Op]) -> Vec<Op> {
    let mut text = vec![Op::Spin; 30];
    for (start, program) in [(0, parent), (CHILD_AT, child), (GRANDCHILD_AT, grandchild)] {
        text[start..start + program.len()].copy_from_slice(program);
    }
    text
}

/// A child runs on the other CPU, with a page of its own at [`A`].
pub fn child_uses_page(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, A);
    let child = stage.child(CHILD_AT);
    stage.page_map(0, A, child, A);
    stage.page_unmap(0, A);
    stage.start(child);
}

/// Like [`child_uses_page`], and the parent has a page at [`B`].
pub fn parent_has_another(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, B);
    child_uses_page(stage);
}

/// A child and a grandchild run, the grandchild with a page at [`A`].
pub fn three_generations(stage: &mut Stage<'_, '_>) {
    stage.page_alloc(0, A);
    let child = stage.child(CHILD_AT);
    stage.page_map(0, A, child, A);
    stage.start(child);
}

/// Children that start at these places all run, each with the same page.
pub fn page_to_everybody(stage: &mut Stage<'_, '_>, va: u32, starts: &[usize]) {
    stage.page_alloc(0, va);
    for &start in starts {
        let child = stage.child(start);
        stage.page_map(0, va, child, va);
        stage.start(child);
    }
}
