//! `kustomize build` as a pure library, and post-build substitution.
