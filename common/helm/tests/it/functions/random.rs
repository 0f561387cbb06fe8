//! What is chance has its properties.

use super::evaluate::Evaluator;

fn render(template: &str) -> String {
    let output = Evaluator::new().render(template.as_bytes()).expect(template);
    String::from_utf8(output).expect("UTF-8")
}

#[test]
fn random_texts_have_their_length_and_alphabet() {
    type Check = fn(&u8) -> bool;
    let table: [(&str, Check); 4] = [
        ("randAlphaNum", u8::is_ascii_alphanumeric),
        ("randAlpha", u8::is_ascii_alphabetic),
        ("randNumeric", u8::is_ascii_digit),
        ("randAscii", |byte| (b' '..=b'~').contains(byte)),
    ];
    for (name, is_wanted) in table {
        let template = format!("{{{{ {name} 500 }}}}");
        let (one, other) = (render(&template), render(&template));
        assert_eq!(one.len(), 500, "{name}");
        assert!(one.bytes().all(|byte| is_wanted(&byte)), "{name}: {one}");
        assert_ne!(one, other, "{name}");
        // 500 of at most 95 characters: a great share of them occurs
        let distinct: std::collections::HashSet<u8> = one.bytes().collect();
        assert!(distinct.len() >= 9, "{name}: {one}");
    }
    assert_ne!(render("{{ uuidv4 }}"), render("{{ uuidv4 }}"));
    assert_ne!(render("{{ randBytes 16 }}"), render("{{ randBytes 16 }}"));
    let mut shuffled: Vec<char> = render(r#"{{ shuffle "abcdefghijklmnopqrstuvwxyz" }}"#).chars().collect();
    shuffled.sort_unstable();
    assert_eq!(shuffled, ('a'..='z').collect::<Vec<_>>());
}

#[test]
fn random_numbers_stay_in_their_range() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..200 {
        let number: i64 = render("{{ randInt -2 3 }}").parse().expect("a number");
        assert!((-2..3).contains(&number));
        seen.insert(number);
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn hashes_of_passwords_verify() {
    let hash = render(r#"{{ bcrypt "secret" }}"#);
    assert!(hash.starts_with("$2a$10$"), "{hash}");
    assert!(bcrypt::verify("secret", &hash).expect("a hash"));
    assert!(!bcrypt::verify("other", &hash).expect("a hash"));
    let entry = render(r#"{{ htpasswd "user" "secret" }}"#);
    let hash = entry.strip_prefix("user:").expect("the user's name");
    assert!(bcrypt::verify("secret", hash).expect("a hash"));
}

#[test]
fn what_is_encrypted_can_be_decrypted() {
    for length in [1, 15, 16, 17, 1000] {
        let text = "x".repeat(length);
        let (key, other) = ("k".repeat(40), "k".repeat(32));
        let template = format!(r#"{{{{ encryptAES "{key}" "{text}" | decryptAES "{other}" }}}}"#);
        assert_eq!(render(&template), text);
    }
    assert_ne!(render(r#"{{ encryptAES "k" "x" }}"#), render(r#"{{ encryptAES "k" "x" }}"#));
}
