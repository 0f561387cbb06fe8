//! CRD types by group, conditions, references, artifact and event; `crdgen` writes `charts/crds`.
