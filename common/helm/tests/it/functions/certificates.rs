//! Keys and certificates, read and verified by OpenSSL.

#![expect(clippy::disallowed_types, reason = "OpenSSL's own program is the judge")]

use std::path::Path;
use std::process::Command;

use super::evaluate::Evaluator;

fn render(template: &str) -> String {
    let output = Evaluator::at(std::time::SystemTime::now()).render(template.as_bytes()).expect(template);
    String::from_utf8(output).expect("UTF-8")
}

/// What `openssl` prints; it must succeed.
fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Renders a template and writes the parts between `====` to files.
fn write(folder: &Path, template: &str, names: &[&str]) {
    let output = render(template);
    let parts: Vec<&str> = output.split("====\n").collect();
    assert_eq!(parts.len(), names.len(), "{output}");
    for (name, part) in names.iter().zip(parts) {
        fs_err::write(folder.join(name), part).expect("a file");
    }
}

#[test]
fn certificates_of_an_authority_verify() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let template = concat!(
        r#"{{ $ca := genCA "my ca" 365 }}"#,
        r#"{{ $cert := genSignedCert "app.example.com" (list "10.0.0.1" "::1") (list "app.example.com" "*.apps.example.com") 30 $ca }}"#,
        "{{ $ca.Cert }}====\n{{ $ca.Key }}====\n{{ $cert.Cert }}====\n{{ $cert.Key }}"
    );
    write(folder, template, &["ca.pem", "ca.key", "cert.pem", "cert.key"]);
    assert_eq!(
        openssl(folder, &["verify", "-x509_strict", "-CAfile", "ca.pem", "cert.pem"]),
        "cert.pem: OK\n"
    );
    for address in ["10.0.0.1", "::1"] {
        openssl(folder, &["verify", "-verify_ip", address, "-CAfile", "ca.pem", "cert.pem"]);
    }
    let names = ["-verify_hostname", "x.apps.example.com", "-CAfile", "ca.pem", "cert.pem"];
    openssl(folder, &[&["verify"], &names[..]].concat());
    for (certificate, key) in [("ca.pem", "ca.key"), ("cert.pem", "cert.key")] {
        let of_certificate = openssl(folder, &["x509", "-in", certificate, "-noout", "-pubkey"]);
        assert_eq!(openssl(folder, &["pkey", "-in", key, "-pubout"]), of_certificate);
    }
    let text = openssl(folder, &["x509", "-in", "cert.pem", "-noout", "-text"]);
    for part in [
        "Version: 3",
        "sha256WithRSAEncryption",
        "Issuer: CN = my ca",
        "Subject: CN = app.example.com",
        "Public-Key: (2048 bit)",
        "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment\n",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Authority Key Identifier",
        "DNS:app.example.com, DNS:*.apps.example.com, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let text = openssl(folder, &["x509", "-in", "ca.pem", "-noout", "-text"]);
    assert!(text.contains("Digital Signature, Key Encipherment, Certificate Sign"), "{text}");
    assert!(text.contains("CA:TRUE"), "{text}");
    openssl(folder, &["x509", "-in", "cert.pem", "-noout", "-checkend", &(29 * 86_400).to_string()]);
}

#[test]
fn keys_are_of_their_type() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = [
        ("", "RSA PRIVATE KEY", "Private-Key: (4096 bit, 2 primes)"),
        ("ecdsa", "EC PRIVATE KEY", "NIST CURVE: P-256"),
        ("ed25519", "PRIVATE KEY", "ED25519 Private-Key"),
        ("dsa", "DSA PRIVATE KEY", "Private-Key: (2048 bit)"),
    ];
    for (kind, label, text) in table {
        let key = render(&format!(r#"{{{{ genPrivateKey "{kind}" }}}}"#));
        assert!(key.starts_with(&format!("-----BEGIN {label}-----\n")), "{key}");
        assert!(key.ends_with(&format!("-----END {label}-----\n")), "{key}");
        fs_err::write(folder.path().join("key.pem"), &key).expect("a file");
        let shown = openssl(folder.path(), &["pkey", "-in", "key.pem", "-noout", "-text"]);
        assert!(shown.contains(text), "{kind}: {shown}");
        assert_ne!(render(&format!(r#"{{{{ genPrivateKey "{kind}" }}}}"#)), key);
    }
}

#[test]
fn certificates_are_made_with_keys_of_all_types() {
    for kind in ["ecdsa", "ed25519"] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let template = format!(
            concat!(
                r#"{{{{ $key := genPrivateKey "{kind}" }}}}"#,
                r#"{{{{ $ca := genCAWithKey "ca" 10 $key }}}}"#,
                r#"{{{{ $cert := genSignedCertWithKey "cn" nil (list "a.b") 10 $ca (genPrivateKey "{kind}") }}}}"#,
                r#"{{{{ $self := genSelfSignedCertWithKey "cn" nil nil 10 $key }}}}"#,
                r#"{{{{ $built := buildCustomCert ($ca.Cert | b64enc) ($ca.Key | b64enc) }}}}"#,
                "{{{{ $ca.Cert }}}}====\n{{{{ $cert.Cert }}}}====\n{{{{ $self.Cert }}}}====\n",
                "{{{{ $built.Key }}}}====\n{{{{ $key }}}}"
            ),
            kind = kind
        );
        write(folder, &template, &["ca.pem", "cert.pem", "self.pem", "built.key", "key.pem"]);
        openssl(folder, &["verify", "-CAfile", "ca.pem", "cert.pem"]);
        openssl(folder, &["verify", "-CAfile", "self.pem", "self.pem"]);
        let public = openssl(folder, &["pkey", "-in", "key.pem", "-pubout"]);
        assert_eq!(openssl(folder, &["pkey", "-in", "built.key", "-pubout"]), public);
    }
}

#[test]
fn an_authority_signs_with_its_own_key_only() {
    let template = concat!(
        r#"{{ $one := genCA "one" 1 }}{{ $other := genCA "other" 1 }}"#,
        r#"{{ $mixed := buildCustomCert ($one.Cert | b64enc) ($other.Key | b64enc) }}"#,
        r#"{{ genSignedCert "cn" nil nil 1 $mixed }}"#
    );
    let error = Evaluator::new().render(template.as_bytes()).expect_err("a wrong key");
    let problem = "x509: provided PrivateKey doesn't match parent's PublicKey";
    assert_eq!(error, format!("error calling genSignedCert: error creating certificate: {problem}"));
}
