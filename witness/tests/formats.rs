//! What is written can be read back, and anything else is refused.

use abi::EnvId;
use kcore::{CpuId, Pfn};
use proptest::prelude::*;
use witness::log_memory::{BadHead, Head, Purpose};
use witness::trace::{Cause, Content, Record, Words};

proptest! {
    #[test]
    fn words_are_a_record_or_none(words in any::<Words>(), kind in 0..18u32, cause in any::<u32>()) {
        let [low, high, env, tags, a, b, c, d] = words;
        // Mostly kinds and causes that exist.
        let tags = tags & 0xff00_00ff | kind << 8 | (cause % 0x14) << 16;
        let words = [low, high, env, tags, a, b, c, d];
        if let Some(record) = Record::from_words(words) {
            let again = Record::from_words(record.words());
            prop_assert_eq!(again, Some(record));
            prop_assert!(!record.to_string().contains('\n'));
        } else {
            prop_assert!(kind == 0 || kind > 16 || matches!(cause % 0x14, 1 | 8..=0xf));
        }
    }

    #[test]
    fn heads_are_what_was_written(hz in any::<u64>(), len in any::<u64>(), lost in any::<u64>()) {
        let head = Head { hz, len, lost };
        let mut bytes = [0; 40];
        for (four, word) in bytes.chunks_exact_mut(4).zip(head.words(Purpose::Trace)) {
            four.copy_from_slice(&word.to_le_bytes());
        }
        prop_assert_eq!(Head::from_bytes(&bytes, Purpose::Trace), Ok(head));
        bytes[8] ^= 1;
        prop_assert!(matches!(Head::from_bytes(&bytes, Purpose::Trace), Err(BadHead::Version(_))));
        bytes[0] ^= 1;
        prop_assert_eq!(Head::from_bytes(&bytes, Purpose::Trace), Err(BadHead::Foreign));
    }
}

#[test]
fn a_cause_has_the_name_of_its_call() {
    let record = Record {
        cause: Cause::Call {
            fast: true,
            personality: abi::Personality::Lab6,
            number: 6,
        },
        now: 0,
        cpu: CpuId(1),
        env: EnvId(0x1001),
        content: Content::Freed { frame: Pfn(0x123) },
    };
    let line = record.to_string();
    assert!(line.contains("page_unmap"), "{line}");
    assert!(
        line.contains("[00001001]") && line.contains("free"),
        "{line}"
    );
}
