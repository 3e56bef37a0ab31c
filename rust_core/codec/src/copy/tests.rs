use super::*;
use proptest::prelude::*;

/// A whole binary COPY of these rows, as Postgres sends it.
pub fn written<const N: usize>(rows: &[[Option<Vec<u8>>; N]], extension: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend(0u32.to_be_bytes());
    bytes.extend(u32::try_from(extension.len()).expect("short").to_be_bytes());
    bytes.extend(extension);
    for row in rows {
        bytes.extend(i16::try_from(N).expect("few").to_be_bytes());
        for column in row {
            match column {
                None => bytes.extend((-1i32).to_be_bytes()),
                Some(value) => {
                    bytes.extend(i32::try_from(value.len()).expect("short").to_be_bytes());
                    bytes.extend(value);
                }
            }
        }
    }
    bytes.extend((-1i16).to_be_bytes());
    bytes
}

type Owned = [Option<Vec<u8>>; 3];

fn read_back<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<(Vec<Owned>, bool), Misread> {
    let mut copy = Copy::<3>::default();
    let mut rows: Vec<Owned> = Vec::new();
    for chunk in chunks {
        copy.feed(chunk, |row| {
            rows.push(row.map(|column| column.map(<[u8]>::to_vec)));
            Ok(())
        })?;
    }
    Ok((rows, copy.is_complete()))
}

fn rows() -> impl Strategy<Value = Vec<Owned>> {
    let column = || prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    prop::collection::vec([column(), column(), column()], 0..20)
}

proptest! {
    #[test]
    fn borders_may_lie_anywhere(
        rows in rows(),
        extension in prop::collection::vec(any::<u8>(), 0..9),
        borders in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let bytes = written(&rows, &extension);
        let mut borders: Vec<usize> = borders.iter().map(|border| border.index(bytes.len())).collect();
        borders.extend([0, bytes.len()]);
        borders.sort_unstable();
        let chunks = borders.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(read_back(chunks), Ok((rows, true)));
    }

    #[test]
    fn a_missing_end_is_noticed(rows in rows(), missing in 1usize..10) {
        let bytes = written(&rows, &[]);
        let cut = &bytes[..bytes.len() - missing];
        if let Ok((_, complete)) = read_back([cut]) {
            prop_assert!(!complete);
        }
    }
}

#[test]
fn byte_by_byte() {
    let rows = vec![[None, Some(Vec::new()), Some(vec![1, 2, 3])]; 3];
    let bytes = written(&rows, b"xy");
    assert_eq!(read_back(bytes.chunks(1)), Ok((rows, true)));
}

#[test]
fn what_is_no_copy_is_refused() {
    let good = written::<3>(&[], &[]);
    assert_eq!(read_back([b"PGCOPX".as_slice()]), Err(Misread));
    let mut with_oids = good.clone();
    with_oids[12] = 1;
    assert_eq!(read_back([with_oids.as_slice()]), Err(Misread));
    let mut more = good.clone();
    more.push(0);
    assert_eq!(read_back([more.as_slice()]), Err(Misread));
    assert_eq!(read_back([good.as_slice(), b"x".as_slice()]), Err(Misread));
    assert_eq!(read_back([written::<2>(&[[None, None]], &[]).as_slice()]), Err(Misread));
    assert_eq!(read_back([]), Ok((Vec::new(), true)));
}

#[test]
fn columns_have_one_form() {
    assert_eq!(bigint(Some(&[0, 0, 0, 0, 0, 0, 1, 0])), Ok(256));
    assert_eq!(bigint(Some(&[0, 0, 1, 0])), Err(Misread));
    assert_eq!(int(Some(&[255, 255, 255, 255])), Ok(-1));
    assert_eq!(int(None), Err(Misread));
    assert_eq!((boolean(Some(&[1])), boolean(Some(&[0])), boolean(Some(&[2]))), (Ok(true), Ok(false), Err(Misread)));
    assert_eq!((text(Some("ä".as_bytes())), text(Some(&[0xff]))), (Ok("ä"), Err(Misread)));
    assert_eq!((sixteen(Some(&[7; 16])), sixteen(Some(&[7; 15]))), (Ok([7; 16]), Err(Misread)));
}
