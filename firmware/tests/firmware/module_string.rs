//! Module strings: names, personalities, arguments.

use abi::{EnvType, Personality};
use firmware::ModuleString;
use proptest::prelude::*;

fn arguments(string: &str) -> Vec<String> {
    let parsed = ModuleString::parse(string.as_bytes());
    parsed.arguments().map(|word| word.to_string()).collect()
}

#[test]
fn the_name_is_the_basename() {
    for (string, name) in [
        ("hello", "hello"),
        ("a/b/hello.elf x", "hello"),
        ("  hello.elf.elf", "hello.elf"),
        ("my%20program.elf", "my program"),
        ("a/", ""),
        ("", ""),
        (" ", ""),
    ] {
        let parsed = ModuleString::parse(string.as_bytes());
        assert_eq!(parsed.name().to_string(), name, "{string:?}");
        assert_eq!(parsed.personality, Personality::Lab4);
    }
}

#[test]
fn directives_stand_before_arguments() {
    for personality in Personality::ALL {
        let string = format!("p @personality={} a", personality.name());
        let parsed = ModuleString::parse(string.as_bytes());
        assert_eq!(parsed.personality, personality);
        assert_eq!(parsed.unknown_directive, None);
        assert_eq!(parsed.arguments().count(), 1);
    }
    let parsed = ModuleString::parse(b"p @personality=lab9 @x a @personality=lab6");
    assert_eq!(parsed.personality, Personality::Lab4);
    assert_eq!(parsed.unknown_directive, Some(&b"@x"[..]));
    assert_eq!(arguments("p @x a @y"), ["a", "@y"]);
}

#[test]
fn directives_say_what_a_module_is() {
    let plain = ModuleString::parse(b"p a");
    assert_eq!((plain.kind, plain.is_archive), (EnvType::User, false));
    for kind in EnvType::ALL {
        let string = format!("p @type={} @personality=lab5 a", kind.name());
        let parsed = ModuleString::parse(string.as_bytes());
        assert_eq!(parsed.kind, kind);
        assert_eq!(parsed.personality, Personality::Lab5);
    }
    assert!(ModuleString::parse(b"x.tar @archive").is_archive);
    assert!(!ModuleString::parse(b"x.tar a @archive").is_archive);
    for wrong in ["@type=root", "@type=", "@archives", "@archive=", "@"] {
        let string = format!("p {wrong}");
        let parsed = ModuleString::parse(string.as_bytes());
        assert_eq!(parsed.unknown_directive, Some(wrong.as_bytes()));
        assert_eq!((parsed.kind, parsed.is_archive), (EnvType::User, false));
    }
}

#[test]
fn arguments_are_decoded() {
    assert_eq!(arguments("p"), [""; 0]);
    assert_eq!(arguments("p a%20b  c=1%2C2 "), ["a b", "c=1,2"]);
    assert_eq!(
        arguments("p %40x %zz %4 % %00 %2f"),
        ["@x", "%zz", "%4", "%", "%00", "/"]
    );
    // `%+1` is a number to `from_str_radix`, and no escape.
    assert_eq!(arguments("p %+1"), ["%+1"]);
}

#[test]
fn decoding_cuts_at_the_buffer() {
    let parsed = ModuleString::parse(b"p abc%20d");
    let word = parsed.arguments().next().unwrap();
    assert_eq!(word.len(), 5);
    assert_eq!(word.decode(&mut [0; 4]), b"abc ");
    assert_eq!(word.decode(&mut [0; 9]), b"abc d");
    assert_eq!(word.decode(&mut []), b"");
}

proptest! {
    #[test]
    fn encoding_is_undone(args in prop::collection::vec(
        prop::collection::vec(1u8..=255, 1..20), 0..5))
    {
        let mut string = b"dir/prog.elf".to_vec();
        for arg in &args {
            string.push(b' ');
            for byte in arg {
                match byte {
                    b'a'..=b'z' | b'0'..=b'9' | b'/' | b'=' => string.push(*byte),
                    _ => string.extend(format!("%{byte:02X}").bytes()),
                }
            }
        }
        let parsed = ModuleString::parse(&string);
        let decoded: Vec<Vec<u8>> = parsed.arguments().map(|w| w.bytes().collect()).collect();
        prop_assert_eq!(decoded, args);
        prop_assert_eq!(parsed.unknown_directive, None);
    }

    #[test]
    fn any_string_is_survived(string in prop::collection::vec(any::<u8>(), 0..100)) {
        let parsed = ModuleString::parse(&string);
        let zeros = string.iter().filter(|b| **b == 0).count();
        let mut decoded = 0;
        for word in parsed.arguments().chain([parsed.name()]) {
            let _ = word.to_string();
            decoded += word.bytes().filter(|b| *b == 0).count();
        }
        prop_assert!(decoded <= zeros);
    }
}

#[test]
fn arguments_are_copied_with_their_ends() {
    let mut room = [0; 11];
    let mut copy = |string: &[u8]| {
        let copied = ModuleString::parse(string).copy_arguments(&mut room);
        copied.map(<[u8]>::to_vec)
    };
    assert_eq!(
        copy(b"dir/echo.elf a b%20c"),
        Some(b"echo\0a\0b c\0".to_vec())
    );
    // One byte more than there is room for.
    assert_eq!(copy(b"dir/echo.elf a b%20cd"), None);
    // Without arguments there is no name either.
    assert_eq!(copy(b"dir/echo.elf @personality=lab5"), Some(Vec::new()));
}
