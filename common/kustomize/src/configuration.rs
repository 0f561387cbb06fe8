//! Tables of field specs: the defaults and what `configurations` and `crds` add.
