//! Go's text conventions: Masterminds SemVer, RE2, durations, path matching, JSON escaping.
