//! What the wire form of types has in common: closed sets of words, and fields left out when they say nothing.

/// Defines an enum whose variants are the given words on the wire, in `Display`, in `FromStr` and in the schema.
macro_rules! wire_enum {
    (
        $(#[$outer:meta])*
        pub enum $name:ident {
            $($(#[$inner:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$outer])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
            strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantNames, strum::VariantArray,
        )]
        pub enum $name {
            $(
                $(#[$inner])*
                #[serde(rename = $word)]
                #[strum(serialize = $word)]
                $variant,
            )+
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": [$($word),+]})
            }
        }
    };
}
pub(crate) use wire_enum;

/// Whether a flag says nothing, so that it is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !flag
}
