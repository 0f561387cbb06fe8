//! Keys, certificates, passwords and ciphers.

mod certificate;
mod cipher;
mod derive;
mod dsa;
mod key;
mod pem;

use super::arguments::Arguments;
use super::{Error, Function, Render, Type};
use crate::value::{ListType, Struct, Value};

use certificate::{Certificate, Request};
use key::PrivateKey;

use Type::{Int, String, Uint32};

const LIST: Type = Type::List(ListType::Any);
const CERTIFICATE: Type = Type::Struct(CERTIFICATE_TYPE);
const CERTIFICATE_TYPE: &str = "sprig.certificate";

/// Steps that stand for the time of each.
mod cost {
    pub(super) const RSA_2048: usize = 400_000;
    pub(super) const RSA_4096: usize = 4_000_000;
    pub(super) const BCRYPT: usize = 200_000;
    pub(super) const SCRYPT: usize = 400_000;
    pub(super) const SMALL: usize = 10_000;
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[String], |render, arguments| Ok(bcrypt(render, arguments.text(0))?.into())),
    Function::new("htpasswd", &[String, String], |render, arguments| {
        let user = arguments.text(0);
        if user.contains(&b':') {
            return Ok([b"invalid username: ", user].concat().into());
        }
        let hash = bcrypt(render, arguments.text(1))?;
        Ok([user, b":", hash.as_bytes()].concat().into())
    }),
    Function::new("randBytes", &[Int], |render, arguments| {
        let out_of_range = |_| Error::runtime("makeslice: len out of range");
        let count = usize::try_from(arguments.int(0)).map_err(out_of_range)?;
        render.budget.text(count.saturating_mul(2))?;
        let mut bytes = vec![0; count];
        rand::fill(bytes.as_mut_slice());
        Ok(data_encoding::BASE64.encode(&bytes).into())
    }),
    Function::new("genPrivateKey", &[String], |render, arguments| {
        let steps = match arguments.text(0) {
            b"" | b"rsa" => cost::RSA_4096,
            _ => cost::SMALL,
        };
        render.budget.steps(steps)?;
        match PrivateKey::generate(arguments.text(0)) {
            Some(key) => Ok(key?.to_pem().into()),
            None => Ok([b"Unknown type ", arguments.text(0)].concat().into()),
        }
    }),
    Function::new("derivePassword", &[Uint32, String, String, String, String], |render, arguments| {
        render.budget.steps(cost::SCRYPT)?;
        derive::password(arguments.uint32(0), arguments)
    }),
    Function::new("encryptAES", &[String, String], |render, arguments| {
        render.budget.text(arguments.text(1).len().saturating_mul(3))?;
        cipher::encrypt(arguments.text(0), arguments.text(1))
    }),
    Function::new("decryptAES", &[String, String], |render, arguments| {
        render.budget.text(arguments.text(1).len().saturating_mul(2))?;
        cipher::decrypt(arguments.text(0), arguments.text(1))
    }),
    Function::new("buildCustomCert", &[String, String], |render, arguments| {
        let built = Certificate::custom(arguments.text(0), arguments.text(1))?;
        Ok(to_value(render, built))
    }),
    Function::new("genCA", &[String, Int], |render, arguments| {
        let key = new_key(render)?;
        let made = Request::authority(arguments.text(0), arguments.int(1)).self_signed(&key, render)?;
        Ok(to_value(render, made))
    }),
    Function::new("genCAWithKey", &[String, Int, String], |render, arguments| {
        let key = given_key(render, arguments.text(2))?;
        let made = Request::authority(arguments.text(0), arguments.int(1)).self_signed(&key, render)?;
        Ok(to_value(render, made))
    }),
    Function::new("genSelfSignedCert", &[String, LIST, LIST, Int], |render, arguments| {
        let key = new_key(render)?;
        let made = Request::of(arguments, render)?.self_signed(&key, render)?;
        Ok(to_value(render, made))
    }),
    Function::new("genSelfSignedCertWithKey", &[String, LIST, LIST, Int, String], |render, arguments| {
        let key = given_key(render, arguments.text(4))?;
        let made = Request::of(arguments, render)?.self_signed(&key, render)?;
        Ok(to_value(render, made))
    }),
    Function::new("genSignedCert", &[String, LIST, LIST, Int, CERTIFICATE], |render, arguments| {
        let key = new_key(render)?;
        let made = signed(render, arguments, &key)?;
        Ok(to_value(render, made))
    }),
    Function::new(
        "genSignedCertWithKey",
        &[String, LIST, LIST, Int, CERTIFICATE, String],
        |render, arguments| {
            let key = given_key(render, arguments.text(5))?;
            let made = signed(render, arguments, &key)?;
            Ok(to_value(render, made))
        },
    ),
];

fn new_key(render: &mut Render) -> Result<PrivateKey, Error> {
    render.budget.steps(cost::RSA_2048)?;
    PrivateKey::generate_rsa(key::RsaSize::Bits2048)
}

fn given_key(render: &mut Render, text: &[u8]) -> Result<PrivateKey, Error> {
    render.budget.steps(cost::SMALL)?;
    PrivateKey::parse(text).map_err(|error| error.within("parsing private key"))
}

/// A certificate for `key` by the authority in the fifth argument.
fn signed(render: &mut Render, arguments: &[Value], key: &PrivateKey) -> Result<Certificate, Error> {
    render.budget.steps(cost::SMALL)?;
    let fields =
        arguments.structure(4).and_then(|id| render.arena.structure(id)).map(|found| found.fields.clone());
    let field = |name: &str| {
        let fields = fields.iter().flatten();
        let found = fields.filter(|(field, _)| *field == name).find_map(|(_, value)| match value {
            Value::String(text) => Some(text.to_vec()),
            _ => None,
        });
        found.unwrap_or_default()
    };
    let authority = Certificate { certificate: field("Cert"), key: field("Key") };
    let signer = authority.signer()?;
    Request::of(arguments, render)?.signed(key, &signer, render)
}

fn to_value(render: &mut Render, made: Certificate) -> Value {
    let fields = vec![("Cert", made.certificate.into()), ("Key", made.key.into())];
    Value::Struct(render.arena.add_struct(Struct { type_name: CERTIFICATE_TYPE, is_pointer: false, fields }))
}

/// The longest password that bcrypt takes, in bytes.
const LONGEST_PASSWORD: usize = 72;

/// A hash of cost 10, or the text of Go's error.
fn bcrypt(render: &mut Render, password: &[u8]) -> Result<std::string::String, Error> {
    const COST: u32 = 10;
    if password.len() > LONGEST_PASSWORD {
        let problem = "bcrypt: password length exceeds 72 bytes";
        return Ok(format!("failed to encrypt string with bcrypt: {problem}"));
    }
    render.budget.steps(cost::BCRYPT)?;
    let mut salt = [0; 16];
    rand::fill(&mut salt[..]);
    let hash = ::bcrypt::hash_with_salt(password, COST, salt).map_err(Error::new)?;
    Ok(hash.format_for_version(::bcrypt::Version::TwoA))
}
