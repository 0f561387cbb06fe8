//! kustomize-controller: builds and applies artifacts.
