//! The normal forms of values. A form is its own form, judged good it is short, and short ways say what long ones say.

use std::time::Duration;

use utterson_engine::normalize::{
    MAX_VALUE_BYTES, Normalization, Region, ValueFault, is_plain, judge, judge_raw, normalize, trim,
};
use utterson_engine::numbered::Numbered;
use utterson_engine::rules_version::RulesVersion;

use crate::allocating::most_held;
use crate::drawing::Draw;
use crate::watching::within;

/// What one value may take: a call has 32, and a batch a thousand calls that are heavy together.
const VALUE: Duration = Duration::from_millis(5);
/// What one value may take of memory beside some times its own length. Expressions of libphonenumber are compiled when
/// they are first needed, and stay.
const BYTES: usize = 8 << 20;
const REGIONS: [&str; 8] = ["", "GB", "US", "IT", "AR", "MX", "DE", "BR"];
/// Values longer than this are refused whatever they hold, so that nobody pays for them.
const LONGEST_RAW: usize = 16 * MAX_VALUE_BYTES;

/// Normalises a drawn value.
///
/// # Panics
///
/// The form is not its own form, or another one than the long way makes.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let rules = draw.pick(&[RulesVersion::Zero, RulesVersion::One]);
    let form = draw.pick(Normalization::ALL);
    let region = Region::parse(draw.pick(&REGIONS));
    let times = [1, 1, 1, 1, 20, 700, 9000][draw.below(7)];
    let text = String::from_utf8_lossy(draw.rest());
    let raw = if times == 1 { text.into_owned() } else { text.chars().take(8).collect::<String>().repeat(times) };
    let ((made, again), held) = most_held(|| {
        within(VALUE, "a value", || (normalize(rules, form, region, &raw), normalize(rules, form, region, &raw)))
    });
    assert_eq!(made, again);
    assert!(held <= BYTES + 4 * raw.len(), "{held} bytes for {}", raw.len());
    if is_plain(&raw) {
        assert_eq!((judge(rules, &raw), judge_raw(&raw)), (Ok(()), Ok(())));
        if form.keeps_plain() {
            assert_eq!(made.as_deref(), Ok(&*raw));
        }
    }
    match made {
        Ok(made) => {
            // Some forms are eleven times as long as what was sent: such are judged too long, by their length alone.
            if made.len() <= LONGEST_RAW {
                assert_eq!(normalize(rules, form, region, &made).as_deref(), Ok(&*made), "a form of its own");
            }
            assert!(judge(rules, &made).is_err() || (1..=MAX_VALUE_BYTES).contains(&made.len()));
            of_form(rules, form, &raw, &made);
        }
        Err(ValueFault::TooLong) => assert!(raw.len() > LONGEST_RAW),
        Err(fault) => assert_eq!((form, fault), (Normalization::Phone, ValueFault::Phone)),
    }
}

/// What holds of one form only.
fn of_form(rules: RulesVersion, form: Normalization, raw: &str, made: &str) {
    let framed = format!(" \u{2003}{raw}\u{a0}\t");
    match form {
        Normalization::None => assert_eq!(made, raw),
        Normalization::Trim => assert!(!raw.is_ascii() || made == trim(raw)),
        Normalization::Lower => {
            let trims = rules == RulesVersion::One;
            assert!(!raw.is_ascii() || made == if trims { trim(raw) } else { raw }.to_ascii_lowercase());
        }
        Normalization::Email => {
            // White space at the ends is nobody's.
            assert_eq!(normalize(rules, form, None, &framed).as_deref(), Ok(made));
            assert!(!raw.is_ascii() || made == trim(raw).to_ascii_lowercase());
        }
        Normalization::Phone => {
            let digits = made.strip_prefix('+').expect("E.164 begins with a plus");
            assert!((2..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()), "{made}");
            for region in REGIONS {
                assert_eq!(
                    normalize(rules, form, Region::parse(region), made).as_deref(),
                    Ok(made),
                    "read in {region}"
                );
            }
        }
    }
}
