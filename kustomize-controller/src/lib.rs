//! kustomize-controller: builds the manifests of an artifact and applies them.

pub mod kustomization;
