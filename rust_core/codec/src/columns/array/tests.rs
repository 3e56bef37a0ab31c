use proptest::prelude::*;

use super::*;

/// Reads an array back as Postgres would, by its header alone.
fn elements(bytes: &[u8]) -> (u32, Vec<Option<Vec<u8>>>) {
    let word = |at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let type_id = u32::try_from(word(8)).expect("a type");
    if word(0) == 0 {
        assert_eq!(bytes.len(), EMPTY_HEADER_BYTES);
        return (type_id, Vec::new());
    }
    assert_eq!((word(0), word(16)), (1, 1), "one dimension that begins at 1");
    let (mut at, mut found) = (HEADER_BYTES, Vec::new());
    for _ in 0..word(12) {
        let length = word(at);
        at += 4;
        if length == NULL_LENGTH {
            found.push(None);
            continue;
        }
        let length = usize::try_from(length).expect("a length");
        found.push(Some(bytes[at..at + length].to_vec()));
        at += length;
    }
    assert_eq!(at, bytes.len(), "nothing may follow");
    assert_eq!(word(4) == 1, found.contains(&None), "the flag tells of NULLs");
    (type_id, found)
}

impl Array<Bigint> {
    pub(crate) fn values(&self) -> Vec<i64> {
        let values = elements(self.as_bytes()).1.into_iter().flatten();
        values.map(|bytes| i64::from_be_bytes(bytes.try_into().expect("eight bytes"))).collect()
    }
}

impl Array<Integer> {
    pub(crate) fn values(&self) -> Vec<i32> {
        let values = elements(self.as_bytes()).1.into_iter().flatten();
        values.map(|bytes| i32::from_be_bytes(bytes.try_into().expect("four bytes"))).collect()
    }
}

impl Array<Bytea> {
    pub(crate) fn values(&self) -> Vec<Option<Vec<u8>>> {
        elements(self.as_bytes()).1
    }
}

impl Array<Uuid> {
    pub(crate) fn values(&self) -> Vec<Option<Vec<u8>>> {
        elements(self.as_bytes()).1
    }
}

impl Array<Text> {
    pub(crate) fn values(&self) -> Vec<String> {
        let values = elements(self.as_bytes()).1.into_iter().flatten();
        values.map(|bytes| String::from_utf8(bytes).expect("text")).collect()
    }
}

#[test]
fn an_empty_array_has_a_type_and_no_dimension() {
    assert_eq!(Array::<Bigint>::default().as_bytes(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]);
    assert_eq!(elements(Array::<Text>::default().as_bytes()), (25, Vec::new()));
}

#[test]
fn debugging_tells_no_value() {
    let mut array = Array::<Text>::default();
    array.push("jekyll@example.com");
    assert_eq!(format!("{array:?}"), "1 elements, 42 bytes");
}

proptest! {
    #[test]
    fn what_is_pushed_stands_there(values in prop::collection::vec(any::<Option<Vec<u8>>>(), 0..40)) {
        let mut array = Array::<Bytea>::default();
        for value in &values {
            array.push_optional(value.as_deref());
        }
        prop_assert_eq!(elements(array.as_bytes()), (17, values));
    }

    #[test]
    fn numbers_and_text_stand_there(
        bigints in prop::collection::vec(any::<i64>(), 0..20),
        integers in prop::collection::vec(any::<i32>(), 0..20),
        texts in prop::collection::vec(any::<String>(), 0..20),
    ) {
        let (mut large, mut small, mut words) = (Array::<Bigint>::default(), Array::<Integer>::default(), Array::<Text>::default());
        for value in &bigints {
            large.push(value);
        }
        for value in &integers {
            small.push(value);
        }
        for value in &texts {
            words.push(value);
        }
        prop_assert_eq!((large.values(), small.values(), words.values()), (bigints, integers, texts));
    }
}
