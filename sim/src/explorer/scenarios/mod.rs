//! Small histories worth walking whole.
//!
//! Each begins where it gets interesting: environments made, pages shared, the
//! child running on the other CPU. The hard thing is to choose programs whose
//! calls collide: one program takes away a page that another uses, stops or ends
//! an environment in the middle of a call, or sends to one that is about to wait.

pub mod lives;
pub mod messages;
pub mod pages;
pub mod parts;
pub mod ranks;
pub mod scenario;
pub mod senders;
pub mod time;
pub mod words;

pub use scenario::{Scenario, Stage};

/// The scenario with this name.
pub fn named(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    vec![
        pages::unmap_in_use(),
        pages::remap_in_use(),
        pages::alloc_over_in_use(),
        pages::write_protect(),
        lives::destroy_and_reuse(),
        lives::leave_and_end(),
        lives::stop_and_start(),
        lives::stop_caller(),
        lives::fork_and_start(),
        messages::send_page(),
        messages::cancel_receive(),
        lives::family_feud(),
        lives::three_in_turn(),
        lives::orphans(),
        senders::send_to_the_dying(),
        senders::two_senders(),
        senders::cancel_send(),
        lives::end_of_a_job(),
        lives::registers(),
        messages::read_console(),
        messages::calls(),
        messages::busy_server(),
        pages::shrink_heap(),
        pages::ranges_in_use(),
        pages::grow_heap(),
        time::time_outs(),
        words::wait_and_wake(),
        words::wait_for_owner(),
        words::pass_on(),
        ranks::ranks(),
        senders::one_sender(),
    ]
}
