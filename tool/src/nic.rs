//! A network card: `--nic e1000,tcp:8080:80`.
//!
//! The network is QEMU's own: the guest is behind a router that gives it
//! 10.0.2.15 and is 10.0.2.2 itself. From outside, only the ports that are
//! named here lead in, and only from the host: nobody else may reach what a
//! student wrote.

use std::fmt::{self, Display, Formatter, Write};

/// The cards that QEMU has for a PC of this kind, by its own names.
const CARDS: [&str; 5] = ["e1000", "ne2k_pci", "pcnet", "rtl8139", "virtio-net-pci"];

/// A card, and which ports of the host are passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    card: &'static str,
    ports: Vec<Port>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Port {
    protocol: &'static str,
    host: u16,
    guest: u16,
}

/// What is wrong with a `--nic`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NicError {
    /// No such card.
    #[error("no such card; there are: {}", CARDS.join(", "))]
    Card,
    /// Something that is no pair of ports.
    #[error("`tcp:HOST:GUEST` or `udp:HOST:GUEST` is needed, with ports from 1 to 65535")]
    Port,
    /// A port of the host can lead to one place only.
    #[error("a port of the host is named twice")]
    Twice,
}

impl Nic {
    /// Reads the value of `--nic`.
    pub fn parse(text: &str) -> Result<Self, NicError> {
        let mut words = text.split(',');
        let asked = words.next().unwrap_or_default();
        let card = CARDS.into_iter().find(|&card| card == asked);
        let card = card.ok_or(NicError::Card)?;
        let ports: Option<Vec<Port>> = words.map(Port::parse).collect();
        let ports = ports.ok_or(NicError::Port)?;
        let source = |port: &Port| (port.protocol, port.host);
        for (index, port) in ports.iter().enumerate() {
            if ports[..index]
                .iter()
                .any(|other| source(other) == source(port))
            {
                return Err(NicError::Twice);
            }
        }
        Ok(Self { card, ports })
    }

    /// The value of QEMU's `-netdev`.
    pub fn network(&self) -> String {
        let mut network = String::from("user,id=nic");
        for Port {
            protocol,
            host,
            guest,
        } in &self.ports
        {
            // Writing to a String cannot fail.
            let _ = write!(network, ",hostfwd={protocol}:127.0.0.1:{host}-:{guest}");
        }
        network
    }

    /// The value of its `-device`. Booting from the network takes a file that
    /// not every QEMU comes with, and is not wanted.
    pub fn device(&self) -> String {
        format!("{},netdev=nic,romfile=", self.card)
    }
}

/// As the command line has it.
impl Display for Nic {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.card)?;
        self.ports.iter().try_for_each(|port| {
            let Port {
                protocol,
                host,
                guest,
            } = port;
            write!(f, ",{protocol}:{host}:{guest}")
        })
    }
}

impl Port {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let asked = words.next()?;
        let protocol = ["tcp", "udp"].into_iter().find(|&known| known == asked)?;
        let mut number = || {
            let word = words.next()?;
            let digits = word.bytes().all(|byte| byte.is_ascii_digit());
            word.parse().ok().filter(|&port: &u16| digits && port > 0)
        };
        let (host, guest) = (number()?, number()?);
        words.next().is_none().then_some(Self {
            protocol,
            host,
            guest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_and_ports() {
        let nic = Nic::parse("rtl8139,tcp:8080:80,udp:7007:7").expect("valid");
        assert_eq!(
            nic.network(),
            "user,id=nic,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:7007-:7"
        );
        assert_eq!(nic.device(), "rtl8139,netdev=nic,romfile=");
        assert_eq!(Nic::parse("e1000").expect("valid").network(), "user,id=nic");
        assert_eq!(nic.to_string(), "rtl8139,tcp:8080:80,udp:7007:7");
        assert_eq!(Nic::parse("pcnet").expect("valid").to_string(), "pcnet");
        // The two protocols have ports of their own.
        assert!(Nic::parse("e1000,tcp:7:7,udp:7:7").is_ok());
    }

    #[test]
    fn nothing_else() {
        for text in ["", "e1000e", "E1000", "e1000 ", ",tcp:1:1"] {
            assert_eq!(Nic::parse(text), Err(NicError::Card), "{text}");
        }
        for text in [
            "",
            "tcp",
            "tcp:1",
            "tcp:1:",
            "tcp:0:1",
            "tcp:1:65536",
            "tcp:1:2:3",
            "tcp:+1:2",
            "icmp:1:2",
            "1:2",
            "tcp:-1:2",
        ] {
            let text = format!("e1000,{text}");
            assert_eq!(Nic::parse(&text), Err(NicError::Port), "{text}");
        }
        assert_eq!(
            Nic::parse("e1000,tcp:8080:80,tcp:8080:81"),
            Err(NicError::Twice)
        );
    }
}
