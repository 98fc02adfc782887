//! Many clients and one server: each asks as often as it can, and gets the answers to its
//! own questions. In the end all of them were served about as often.
//!
//! Where the kernel has calls in registers, the server replies and takes the next request in
//! one; elsewhere both are messages of JOS's, and the answer goes to whoever sent the
//! request. The hard thing is what to measure. Some clients start later than others, so the
//! server counts from the moment when it has heard of all of them. And a call hands the CPU
//! over and back, so one client could ask thousands of times in a quantum while the others
//! wait: each gives way after an answer.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use user::abi::call::FEATURE_CALL;
use user::interface::Interface;
use user::{EnvId, Error, Fork, fork, ipc, println, sys};

const CLIENTS: usize = 8;
/// Requests that are counted, for each client on average.
const SHARE: u32 = 250;
/// No client may get less than this share of the requests, in per cent of an equal one, or
/// more than twice as much as an equal one.
const LEAST: u32 = 50;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    // Asked once, so that all find the answer.
    let registers = Interface::get().offers(FEATURE_CALL);
    println!("messages: {}", if registers { "calls" } else { "JOS's" });
    let server = sys::getenvid();
    for _ in 0..CLIENTS {
        if let Fork::Child = fork()? {
            return ask(server, registers);
        }
    }
    let counts = serve(registers)?;
    let total: u32 = counts.iter().sum();
    let equal = total / CLIENTS as u32;
    let fair = |&count: &u32| (equal * LEAST / 100..=equal * 2).contains(&count);
    println!("{CLIENTS} clients, {total} requests");
    println!("shares are fair: {}", counts.iter().all(fair));
    Ok(())
}

/// Asks until the server says that it is enough. Says so if an answer was not its own.
fn ask(server: EnvId, registers: bool) -> Result<(), Error> {
    let own = sys::getenvid();
    for number in 1.. {
        let question = own.0 as u32 ^ number;
        let answer = if registers {
            sys::ipc_call(server, [question, 0])?[0]
        } else {
            ipc::send(server, question)?;
            let message = ipc::recv()?;
            assert!(message.from == server, "an answer from somebody else");
            message.value
        };
        if answer == 0 {
            break;
        }
        assert!(answer == answer_to(question), "another one's answer");
        sys::yield_now();
    }
    println!("a client got all of its answers");
    Ok(())
}

/// Never 0, which ends a client.
fn answer_to(question: u32) -> u32 {
    question.wrapping_mul(2) | 1
}

/// A client's id, and how many of its requests were counted.
type Count = (EnvId, u32);

/// Answers until enough requests have been counted, then tells every client to end.
fn serve(registers: bool) -> Result<[u32; CLIENTS], Error> {
    let mut counts: [Count; CLIENTS] = [(EnvId::NONE, 0); CLIENTS];
    let mut left = SHARE * CLIENTS as u32;
    let mut ended = 0;
    let mut request = receive(registers)?;
    loop {
        let (client, question) = request;
        let enough = left == 0;
        let answer = if enough { 0 } else { answer_to(question) };
        if enough {
            ended += 1;
        } else if count(&mut counts, client) {
            left -= 1;
        }
        if ended == CLIENTS {
            // The last one: nobody else will ask.
            ipc::send(client, 0)?;
            return Ok(counts.map(|(_, count)| count));
        }
        request = next(registers, client, answer)?;
    }
}

/// Counts a request if all clients are known; returns whether it did.
fn count(counts: &mut [Count; CLIENTS], client: EnvId) -> bool {
    let all_known = counts.iter().all(|(known, _)| *known != EnvId::NONE);
    let is_its = |(known, _): &&mut Count| [client, EnvId::NONE].contains(known);
    if let Some((known, count)) = counts.iter_mut().find(is_its) {
        *known = client;
        *count += u32::from(all_known);
    }
    all_known
}

fn receive(registers: bool) -> Result<(EnvId, u32), Error> {
    if registers {
        let (client, [question, _]) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
        return Ok((client, question));
    }
    let message = ipc::recv()?;
    Ok((message.from, message.value))
}

/// Answers, and waits for the next request.
fn next(registers: bool, client: EnvId, answer: u32) -> Result<(EnvId, u32), Error> {
    if registers {
        let (client, [question, _]) = sys::ipc_reply(client, [answer, 0])?;
        return Ok((client, question));
    }
    ipc::send(client, answer)?;
    receive(registers)
}
