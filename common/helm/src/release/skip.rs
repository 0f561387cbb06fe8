//! Passing over a chart in the JSON of a record, without ever having it as a whole.

/// Takes JSON in pieces and keeps all but what is large: of the members of `chart` only `metadata` keeps its value, the
/// others become `null`. What is not JSON comes out as something that is not JSON either.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they change independently of each other")]
pub(super) struct WithoutChart {
    kept: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The next string is a key.
    before_key: bool,
    /// The string is a key that counts.
    is_key: bool,
    key: Vec<u8>,
    in_chart: bool,
    skipping: bool,
}

impl WithoutChart {
    /// Expects to keep so many bytes: memory that buffers grow out of is not given back at once.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { kept: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Takes the next piece; gives the number of bytes kept so far.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> usize {
        while let Some(first) = piece.first() {
            let length = if self.in_string { self.string(piece) } else { self.structure(*first) };
            piece = piece.get(length..).unwrap_or_default();
        }
        self.kept.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.kept
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.skipping {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// Takes a run of a string, or the character that ends it; gives its length.
    fn string(&mut self, piece: &[u8]) -> usize {
        let run = if self.escaped {
            self.escaped = false;
            1
        } else {
            match piece.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(0) => {
                    self.escaped = piece.first() == Some(&b'\\');
                    self.in_string = self.escaped;
                    self.keep(piece.get(..1).unwrap_or_default());
                    return 1;
                }
                Some(length) => length,
                None => piece.len(),
            }
        };
        let bytes = piece.get(..run).unwrap_or_default();
        if self.is_key {
            self.key.extend_from_slice(bytes.get(..bytes.len().min(16)).unwrap_or_default());
        }
        self.keep(bytes);
        run
    }

    /// Takes a character outside of strings.
    fn structure(&mut self, byte: u8) -> usize {
        let counts = self.depth == 1 || (self.depth == 2 && self.in_chart);
        match byte {
            b'"' => {
                self.in_string = true;
                self.is_key = counts && self.before_key;
                if self.is_key {
                    self.key.clear();
                }
            }
            b'{' | b'[' => {
                let is_chart = self.depth == 1 && byte == b'{' && !self.before_key && self.key == b"chart";
                self.in_chart = self.in_chart || is_chart;
                self.depth += 1;
                self.before_key = byte == b'{' && (self.depth == 1 || is_chart);
            }
            b'}' | b']' => {
                if self.depth <= 2 {
                    self.in_chart = false;
                    self.skipping = false;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b',' if counts => {
                self.before_key = true;
                self.skipping = false;
            }
            b':' if counts && self.before_key => {
                self.before_key = false;
                if self.depth == 2 && self.key != b"metadata" {
                    self.keep(b":null");
                    self.skipping = true;
                }
            }
            _ => {}
        }
        self.keep(&[byte]);
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_chart(json: &str, piece: usize) -> String {
        let mut filter = WithoutChart::default();
        for piece in json.as_bytes().chunks(piece) {
            filter.push(piece);
        }
        String::from_utf8(filter.finish()).unwrap()
    }

    #[test]
    fn only_the_metadata_of_the_chart_is_kept() {
        let json = r#"{"name":"a\"b","chart":{"metadata":{"name":"chart","x":[1,{"templates":2}]},"templates":[{"a":"]}\\\""}],
            "schema":null, "values":{"metadata":1}},"config":{"chart":{"templates":[1]}},"x":["chart",{"values":1}]}"#;
        let want = r#"{"name":"a\"b","chart":{"metadata":{"name":"chart","x":[1,{"templates":2}]},"templates":null,
            "schema":null,"values":null},"config":{"chart":{"templates":[1]}},"x":["chart",{"values":1}]}"#;
        let compact = |text: &str| text.split_whitespace().collect::<String>();
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(compact(&without_chart(json, piece)), compact(want), "pieces of {piece}");
        }
    }
}
