//! A server that is called, and clients that call it: each gets the reply to its own
//! request, and an error when nobody is left to reply.
//!
//! The hard thing is a server that ends while a client waits. The client must not
//! wait for ever, and a new environment in the server's place owes it nothing.

#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::SeqCst;

use user::ipc::Pages;
use user::share::Page;
use user::{EnvId, Error, Fork, Perm, fork, ipc, println, share, sys};

const CLIENTS: u32 = 4;
const CALLS: u32 = 500;
/// With this word a client asks the server to end.
const END: u32 = u32::MAX;

user::program!(main);

fn main() {
    if let Err(error) = run() {
        panic!("{}", error.message());
    }
}

fn run() -> Result<(), Error> {
    let right = &share::words(1)?[0];
    let parent = sys::getenvid();
    let Fork::Parent(server) = fork()? else {
        serve()?;
        user::exit()
    };
    for client in 0..CLIENTS {
        if let Fork::Child = fork()? {
            for number in 0..CALLS {
                let asked = [client, number];
                let replied = sys::ipc_call(server, asked)?;
                right.fetch_add(u32::from(replied == reply_to(asked)), SeqCst);
            }
            ipc::send(parent, client)?;
            user::exit()
        }
    }
    for _ in 0..CLIENTS {
        ipc::recv()?;
    }
    println!("{} replies of {}", right.load(SeqCst), CLIENTS * CALLS);
    mixed(server)?;
    with_pages()?;
    let ended = sys::ipc_call(server, [END, 0]);
    println!("the server has ended: {}", ended == Err(Error::BadEnv));
    let again = sys::ipc_call(server, [0, 0]);
    println!("and is not there: {}", again == Err(Error::BadEnv));
    let nobody = sys::ipc_reply(server, [0, 0]).map(|_| ());
    println!("nor waits: {}", nobody == Err(Error::BadEnv));
    Ok(())
}

/// Replies until asked to end, and then does not reply.
fn serve() -> Result<(), Error> {
    let (mut client, mut words) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
    while words[0] != END {
        let reply = reply_to(words);
        (client, words) = match sys::ipc_reply(client, reply) {
            // It sent without waiting for a reply.
            Err(Error::IpcNotRecv) => sys::ipc_reply(EnvId::NONE, [0; 2])?,
            next => next?,
        };
    }
    Ok(())
}

fn reply_to([word, second]: [u32; 2]) -> [u32; 2] {
    [word.wrapping_mul(3), second ^ 0x5555]
}

/// A page each way: the server adds to the client's, and gives one of its own back.
fn with_pages() -> Result<(), Error> {
    static TAKEN: Page = Page::zeroed();
    let own = share::page()?;
    let parent = sys::getenvid();
    let Fork::Parent(child) = fork()? else {
        let request = ipc::reply(
            EnvId::NONE,
            [0; 2],
            Pages {
                wanted: Some(&TAKEN),
                ..Pages::default()
            },
        )?;
        TAKEN[1].store(TAKEN[0].load(SeqCst) + 1, SeqCst);
        println!(
            "a request with a page that can be written: {}",
            request.perm.contains(Perm::W)
        );
        let given = share::page()?;
        given[0].store(request.words[0] + 1, SeqCst);
        let _ = ipc::reply(
            request.from,
            [3, 4],
            Pages {
                sent: Some((given, Perm::READ)),
                wanted: None,
            },
        );
        user::exit()
    };
    let sent = share::page()?;
    sent[0].store(41, SeqCst);
    let pages = Pages {
        sent: Some((sent, Perm::WRITE)),
        wanted: Some(own),
    };
    let (words, perm) = ipc::call(child, [1, 2], pages)?;
    let read_only = perm == Perm::READ;
    println!(
        "a reply of {words:?}, with {} in a page that cannot be: {read_only}",
        own[0].load(SeqCst)
    );
    println!("and {} in the page that went along", sent[1].load(SeqCst));
    let none = ipc::call(parent, [0; 2], Pages::default()).err();
    println!("nobody calls himself: {}", none == Some(Error::Inval));
    sys::env_destroy(child)?;
    Ok(())
}

/// JOS's calls and these understand each other: a server that knows only JOS's can be
/// called, and one that is called takes what is sent.
fn mixed(server: EnvId) -> Result<(), Error> {
    ipc::send(server, 7)?;
    let parent = sys::getenvid();
    let Fork::Parent(child) = fork()? else {
        let [word, second] = sys::ipc_call(parent, [8, 9])?;
        println!("its parent replied {word} and {second}");
        let [word, second] = sys::ipc_call(parent, [word, second])?;
        println!("then {word} and {second}");
        ipc::send(parent, 12)?;
        user::exit()
    };
    let message = ipc::recv()?;
    let is_childs = message.from == child;
    println!("received {} from the child: {is_childs}", message.value);
    ipc::send(child, message.value + 1)?;
    let (client, [word, second]) = sys::ipc_reply(EnvId::NONE, [0; 2])?;
    println!("asked {word} and {second}");
    let (from, words) = sys::ipc_reply(client, [10, 11])?;
    println!("sent {words:?} by the child: {}", from == child);
    Ok(())
}
