//! The hardware half of the kernel.
//!
//! What the kernel *means* is in the crate `kcore`, as a state machine without
//! hardware. Here is the machine: how it starts, how a trap becomes an event, and
//! how the effects of a step reach page tables, timers, other CPUs and the console.
//! The hard thing, everywhere, is to say what makes an `unsafe` block sound; each
//! block says so, under a number.
//!
//! Reading order: [`boot`] (a list), [`trap`] and its stubs, [`enter`],
//! [`effects`], [`mail`], [`machine::smp`], [`machine::address_space`], then the rest.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

use runtime as _;

#[expect(unsafe_code, reason = "nothing is set up yet")]
mod boot;
mod effects;
mod enter;
#[expect(unsafe_code, reason = "filled late; forced by panics")]
mod locked;
mod logs;
#[expect(
    unsafe_code,
    reason = "instructions, page tables, memory, devices, CPUs"
)]
mod machine;
mod mail;
mod monitor;
mod panic;
#[expect(unsafe_code, reason = "the stubs")]
mod trap;
