//! source-controller: turns sources into artifacts.
