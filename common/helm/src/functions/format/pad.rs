//! Width, precision and flags.

/// What stands between the percent sign and the verb.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of a directive")]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

impl Flags {
    /// Whether noughts fill the width: only on the left.
    pub(super) const fn pads_with_zeros(&self) -> bool {
        self.zero && !self.minus
    }

    /// The same without noughts to fill the width.
    pub(super) const fn without_zero(self) -> Self {
        Self { zero: false, ..self }
    }
}
