use super::*;

#[test]
fn shuffling_keeps_the_characters() {
    let reversed = shuffle_order("abé".as_bytes(), |_| 0);
    assert_eq!(String::from_utf8(reversed).expect("UTF-8"), "béa");
}
