package main

import (
	"math/rand"
	"strings"
)

// documentInputs are streams: one per rule, then generated ones.
func documentInputs() []string {
	inputs := append([]string{}, handwritten...)
	random := rand.New(rand.NewSource(1))
	for range 150 {
		var out strings.Builder
		generate(&out, random, 0, 0)
		inputs = append(inputs, out.String())
	}
	return inputs
}

// handwritten has at least one stream per rule of reading.
var handwritten = []string{
	"", "\n", "# only a comment\n", "---\n", "---\n---\n", "--- # c\na: 1\n", "a", "a: 1", "a: 1\n...\n", "a: 1\n---\nb: 2\n",
	"---\na: 1\n...\n---\nb: 2\n...\n", "%YAML 1.1\n---\na: 1\n", "%TAG !e! tag:example.com,2000:\n---\na: !e!foo bar\n",
	"\ufeffa: 1\n", "a: 1\r\nb: 2\r\n", "a:\n  b:\n    c: d\n", "a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n", "- - 1\n  - 2\n- - 3\n",
	"- a: 1\n  b: 2\n- c: 3\n", "-\n  a: 1\n", "- \n- x\n", "-\n-\n", "a:\nb:\n", "a: ~\nb: null\nc: Null\nd: NULL\ne: \"\"\n",
	"? a\n: b\n", "? a\n", "? - 1\n: x\n", "? |\n  text\n: x\n", "[a, b]: c\n", "{a: 1, b: {c: [1, 2, {d: e}]}}\n", "{}", "[]",
	"[a, b, ]", "{a: 1, }", "{a, b: }", "[a: 1, b: 2]", "{\"a\":1,\"b\":[\"c\",{\"d\":null}]}", "{a: , b: 1}", "[,]", "[a,,b]",
	"{\n  a: 1,\n  # comment\n  b: [\n    x, # one\n    y\n  ]\n}\n", "a: {b: 'c', d: \"e\"}\n", "a: [1,2,3]\nb: [x y, z]\n",
	"a: b: c\n", "a: 'b\n", "a: \"b\n", "a: [1, 2\nb: 3\n", "a: {b: 1\n", "\ta: 1\n", "a:\n\tb: 1\n", "a: \"\\q\"\n", "a:\n  b: 1\n c: 2\n",
	"a: 1\n b: 2\n", "- a\nb: 1\n", "a: 1\n- b\n", "a: *x\n", "a: &x\n", "a: @b\n", "a: `b`\n", "a: %b\n", "key: [a]]\n", "a: }\n", "a: ]\n",
	"a: !!int x\n", "a: !<tag:yaml.org,2002:str> 1\n", "a: ! 1\n", "a: !foo bar\n", "a: !!str 1\n", "a: !!float 3\n", "a: !!int \"3\"\n",
	"a: !!binary aGVsbG8=\n", "a: !!binary \"@@\"\n", "a: !!timestamp 2001-01-01\n", "a: !!null x\n", "a: !!bool yes\n", "a: !!map {x: 1}\n",
	"a: !!seq [x]\n", "a: !!set {x}\n", "!foo\na: 1\n", "&a a: b\n", "&root\na: 1\n",
	"a: &x 1\nb: *x\n", "a: &x {p: 1}\nb: *x\n", "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc:\n  <<: [*x, *y]\n",
	"c:\n  <<: {p: 1}\n  q: 2\n", "c:\n  <<: 1\n", "a: &x 1\nc:\n  <<: *x\n", "c:\n  <<: [[{a: 1}]]\n", "c:\n  <<: {a: 1}\n  <<: {b: 2}\n",
	"c:\n  \"<<\": {a: 1}\n", "c:\n  !!merge <<: {a: 1}\n", "a: &x [1]\nb: [*x, *x]\n", "a: &a\n  b: &b\n    c: 1\nd: *a\ne: *b\n",
	"a: &x 1\nb: &x 2\nc: *x\n", "*a : 1\n", "&k key: 1\n*k : 2\n", "a: *a b\n",
	"a: 1\na: 2\n", "a:\n  b: 1\n  b: 2\n", "- x: 1\n  y: 2\n  x: 3\n", "1: a\n", "true: a\n", "~: a\n", "1.5: a\n", "2001-01-01: a\n", "? {a: 1}\n: x\n", "\"1\": a\n",
	"a: |\n  x\n  y\n", "a: |-\n  x\n", "a: |+\n  x\n\n\nb: 1\n", "a: |\n  x\n\n\nb: 1\n", "a: |2\n    x\n   y\n", "a: |\n\n  x\n", "a: |\n   x\n  y\n", "a: >\n  x\n  y\n\n  z\n",
	"a: >-\n  x\n    y\n  z\n", "a: >+\n  x\n\n", "a: |\nb: 1\n", "a: |", "a: |1-\n x\n", "a: |-1\n x\n", "a: |x\n", "a: | # comment\n  x\n", "- |\n x\n- >\n y\n", "a: |\n  x\n # c\nb: 1\n",
	"a: |\n\tx\n", "a: |\n  x\ty \n", "a: >\n\n\n  x\n\n\n  y\n",
	"a: x\n  y\n  z\n", "a: x\n\n  y\n", "a: 'x\n  y\n\n  z'\n", "a: \"x\n  y\\\n  z\\n\\\n  \\ w\"\n", "a: 'it''s'\n", "a: \"\\x41\\u00e9\\U0001F600\\0\\a\\b\\t\\n\\v\\f\\r\\e\\ \\\"\\/\\\\\\N\\_\\L\\P\"\n",
	"a: \"\\xd800\"\n", "a: \"\\ud800\"\n", "a: x#y\nb: x #y\n", "a: x:y\nb: :x\nc: -x\nd: ?x\n", "a: http://x/y?z=1&b=2\n", "a: - b\n", "a: x - y\n", "a: '' \nb: \"\"\n", "a : 1\n\"b\" : 2\n'c': 3\n", "a:  1  \nb:\t2\n",
	"a: 日本語 é 😀\n", "a: \u00a0x\n", "a: x\u2028y\n", "a: \u0085\n", "a: \u0001\n", "a: \x7f\n", "a: x\x00y\n",
	"# head\na: 1 # line\n# foot\n\n# head b\nb: # on key\n  c: 2\n  # foot c\n# before d\nd:\n# in list\n- 1 # one\n# two above\n- 2\n\n# end\n",
	"a:\n  # first\n  - x\n  # second\n  - y\n", "a:\n  b: 1\n\n  # foot b\n\n  c: 2\n", "# doc\n\n# head\na: 1\n", "a: 1\n# between\n---\n# second\nb: 2\n", "[a, # one\n b] # two\n", "a: # c\n  - b\n", "a: # c\n  x: 1\n", "- # c\n  a: 1\n", "a: |  # c\n  text\n", "a: 'x' # c\n", "a: \"x\" # c\n", "a:\n  - b # c\n  -\n    # d\n    e: f\n",
	"x: 1\n  # odd\ny: 2\n", "a:\n  b: c\n# x\n\n# y\n", "- a\n# x\n\n- b\n", "- - a # x\n  # y\n  - b\n", "#x\n#y\na: 1\n", "a: {b: c} # d\n", "a:\n# x\n  b: 1\n", "a: b\n\n\n# x\n\n\nc: d\n", "# x\n- a\n", "a:\n    # x\n    b: 1\n    # y\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {x: y}\ndata:\n  k: |\n    a: 1\n    b: 2\n  n: \"5\"\n",
	"a: 0644\nb: 0o17\nc: 0x1F\nd: 0b11\ne: 1_000\nf: 1e3\ng: 1.0\nh: .5\ni: 5.\nj: 1:30\nk: 08\nl: +1\nm: -1\nn: 18446744073709551615\no: 18446744073709551616\np: -9223372036854775808\nq: -9223372036854775809\n",
	"a: .inf\n", "a: -.inf\n", "a: .nan\n", "a: 1e400\n", "a: 1234567.5\nb: 123456.7\nc: 1e20\nd: 1e21\ne: 0.00001\nf: 0.1\ng: 1e-7\nh: -0\ni: -0.0\nj: 1e6\nk: 12345678901234567890123\n",
	"a: 2001-01-01\nb: 2001-1-1T1:2:3Z\nc: 2001-01-01 10:20:30.5\nd: 2001-01-01t10:20:30+02:00\ne: 2001-02-30\nf: 2001-01-01 10:20:30 -5\ng: 2001-12-14T21:59:43.10-05:00\nh: 2001-01-01T24:00:00Z\n",
	"a: y\nb: n\nc: yes\nd: no\ne: on\nf: off\ng: Y\nh: TRUE\ni: True\nj: tRUE\nk: =\nl: <<\n",
	"a: 0b-1\nb: 0o-7\nc: 0b12\nd: 0x\ne: 0o8\nf: 1__0\ng: _1\nh: 0_7\ni: 1e\nj: 1e+\nk: +.5\nl: -.5\nm: .e5\nn: .\no: +\np: -\nq: 1.2.3\nr: 0x_1\n",
	"{\"a\": \"b\"\n}\n", "[\n]\n", "{\n}\n", "'a': 1\n", "a:\n  - b:\n      c\n  - d\n", "a: [\n  {b: c},\n  {d: e}\n]\n", "a: [b\n  c, d]\n", "{a: b\n c: d}\n", "[a b: c]\n", "[? a : b]\n", "{? a : b}\n", "{a: [}\n",
	"a: b\n c\n", "a:\n b\n c: d\n", "a: b\nc\n", "a: b\nc\nd: e\n", "a:b\n", "a:\n  b:1\n  c: 2\n", "- a: b\n - c\n", "a: &x\n  b: 1\nc: *x\n", "a: &x # c\n  b: 1\n", "a: !!str # c\n  b\n", "a: &x !t b\n", "a: !t &x b\n", "a: &x &y b\n", "- &x\n- *x\n",
	"...\n", "a: 1\n... # c\nb: 2\n", "a: 1\n...\nb: 2\n", "--- a\n", "--- a: 1\n", "--- |\n  x\n", "--- [a]\n", "a: 1\n--- |\n x\n---\n", "---a: 1\n", "a\n---b\n", "a: 1\n--- foo\n", "a: \"x\n---\ny\"\n", "a: 'x\n...\ny'\n",
	"kind: List\nitems:\n- kind: A\n  n: 1\n- kind: B\n", strings.Repeat("[", 10) + strings.Repeat("]", 10), strings.Repeat("k", 200) + ": 1\n", "? " + strings.Repeat("k", 200) + "\n: 1\n", strings.Repeat("x", 1030) + ": 1\n", "'" + strings.Repeat("x", 1030) + "': 1\n",
	"a: " + strings.Repeat("word ", 40) + "\n", "a: \"" + strings.Repeat("wörd  ", 40) + "\\t\"\n", "- - - - " + strings.Repeat("word ", 40) + "\n",
}

var words = []string{
	"a", "name", "true", "yes", "1", "0x1f", "1.5", "null", "~", "", "x y", "x: y", "- a", "# c", "a#b", "a:b", "it's", "\"q\"", "2001-01-01",
	"line one\nline two\n", "tail ", " lead", "ü", "😀", "tab\there", "multi\n\nbreak", "key.with/slash", "{{ x }}", "*", "&", "!t", "%", "@", "12:30:45",
	"a long text that goes on and on, far beyond the column where the writer would like to break it into several lines",
}

// generate writes a random node in block style, with comments here and there.
func generate(out *strings.Builder, random *rand.Rand, indent, depth int) {
	pad := strings.Repeat(" ", indent)
	count := 1 + random.Intn(4)
	list := random.Intn(3) == 0
	step := 2 * (1 + random.Intn(2))
	for i := range count {
		if random.Intn(8) == 0 {
			out.WriteString(pad + "# comment " + words[random.Intn(2)] + "\n")
		}
		out.WriteString(pad)
		if list {
			out.WriteString("-")
		} else {
			out.WriteString(quoteKey(random) + string(rune('a'+i)) + ":")
		}
		if depth < 4 && random.Intn(3) == 0 {
			out.WriteString("\n")
			generate(out, random, indent+step, depth+1)
			continue
		}
		scalar(out, random, indent)
		if random.Intn(10) == 0 {
			out.WriteString("\n")
		}
	}
}

func quoteKey(random *rand.Rand) string {
	return []string{"k", "key-", "k 1", "x.y/"}[random.Intn(4)]
}

func scalar(out *strings.Builder, random *rand.Rand, indent int) {
	word := words[random.Intn(len(words))]
	comment := ""
	if random.Intn(6) == 0 {
		comment = " # note"
	}
	pad := strings.Repeat(" ", indent+2)
	switch random.Intn(7) {
	case 0:
		out.WriteString(" '" + strings.ReplaceAll(strings.ReplaceAll(word, "'", "''"), "\n", "\n\n"+pad) + "'" + comment + "\n")
	case 1:
		word = strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n", "\t", "\\t").Replace(word)
		out.WriteString(" \"" + word + "\"" + comment + "\n")
	case 2, 3:
		header := []string{"|", "|-", "|+", ">", ">-", ">+"}[random.Intn(6)]
		out.WriteString(" " + header + comment + "\n")
		for _, line := range strings.Split(strings.TrimPrefix(word, " "), "\n") {
			if line != "" {
				out.WriteString(pad + line)
			}
			out.WriteString("\n")
		}
	case 4:
		out.WriteString(" [a, 'b c', {k: v, n: 1}]" + comment + "\n")
	default:
		plain := []string{"value", "1", "true", "1.5", "a b c", "http://x/y", "yes", "null", "", "0644", "x:y", "a, b", "v1.2.3"}[random.Intn(13)]
		if plain != "" {
			out.WriteString(" " + plain)
		}
		out.WriteString(comment + "\n")
	}
}

// textInputs are strings to write.
func textInputs() []string {
	long := "a long text that goes on and on, far beyond the column where the writer would like to break it into several lines"
	inputs := []string{
		"", " ", "  ", "a", "a b", " a", "a ", "a  b", "\n", "\n\n", "a\n", "a\n\n", "a\nb", "\na", " a\nb", "a\n b", "a \nb", "a\n ", "a\t", "\ta", "a\tb", "a\tb\nc", "\t\n",
		"true", "True", "TRUE", "tRue", "false", "yes", "Yes", "YES", "no", "on", "off", "y", "Y", "n", "N", "null", "Null", "~", "NULL", "nULL", "=", "<<",
		"0", "1", "-1", "+1", "0644", "08", "0o7", "0o8", "0x1f", "0x", "0b11", "0b2", "1_000", "_1", "1__", "1.0", "1.", ".5", ".", "1e3", "1e", "1e400", "1.2.3", "1.10.0", ".inf", "-.Inf", ".nan", "+.inf", "1:30", "12:30:45", "1:60", "-1:20.5", "2001-01-01", "2001-1-1", "2001-13-01", "2001-02-29", "2004-02-29", "2001-01-01T10:00:00Z", "2001-01-01 10:00:00", "2001-01-01T10:00:00", "2001-01-01T10:00:00+25:00", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "0.1", "123456789.123456789", "1e-7", "1E+5", "+1.5e-3",
		"-", "- a", "-a", "--", "---", "--- a", "---a", "...", "... a", "?", "? a", "?a", ":", ": a", ":a", "a:", "a: b", "a:b", "#", "# a", "#a", "a #b", "a# b", "a#b", "a\t#b", "a:\tb", ",", ",a", "a,b", "[", "[a", "a[", "]", "{", "{a}", "}", "a}", "&a", "*a", "!a", "|", "|a", ">", "'", "'a", "a'b", "it's", "\"", "\"a\"", "a\"b", "%a", "@a", "`a", "a`", "\\", "a\\b", "a\\nb", "$a", "(a)", "a?b", "a? b", "a ?b",
		"é", "日本語", "😀", "a😀b", "\ufeff", "\ufeffx", "x\ufeff", "\u00a0", "\u0085", "a\u0085b", "\u2028", "a\u2028b", "a \u2028b", "a\u2028 b", "a\u2029\u2029b", "\u0001", "\u001b", "\x7f", "\u009f", "\ufffd", "\ufffe", "\uffff", "\ue000", "a\r", "a\rb", "a\r\nb", "\x00",
		long, long + "\n", long + "\n" + long, strings.ReplaceAll(long, " ", "  "), strings.ReplaceAll(long, " ", "_"), "'" + long + "'", "\"" + long + "\"", "# " + long, long + "\t", strings.ReplaceAll(long, "a", "ä"), strings.ReplaceAll(long, "o", "😀"), "- " + long, " " + long, long + " ", "x: " + long, strings.Repeat("x", 100) + " y", strings.Repeat("x", 79) + " y", strings.Repeat("x", 60) + "  y z", strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("é", 65), strings.Repeat("x\n", 70), "<a> & b", long + " \t " + long, "\t" + strings.ReplaceAll(long, " ", "  "), "1 " + long, "a\n\n\nb\n", "a\n\n b\n\n c\n", "  a\n b\n", "a\n  b\n c", ">a\n", "a\n#b\n", "a\n---\nb\n", "a\n\tb\n", "trailing\t\n", "x\n\n\n",
	}
	random := rand.New(rand.NewSource(2))
	alphabet := []rune("ab1 .:-#'\"\n,[]{}?&*!|>%@`\t\\é\u2028_0x~<=é\u0085😀  ")
	for range 600 {
		length := 1 + random.Intn(12)
		if random.Intn(5) == 0 {
			length = 80 + random.Intn(80)
		}
		var out strings.Builder
		for range length {
			out.WriteRune(alphabet[random.Intn(len(alphabet))])
		}
		inputs = append(inputs, out.String())
	}
	for range 150 {
		var out strings.Builder
		for out.Len() < 150 {
			out.WriteString(strings.Repeat("w", random.Intn(12)) + strings.Repeat(" ", 1+random.Intn(2)))
			if random.Intn(30) == 0 {
				out.WriteString([]string{"'", ": ", "\t", "é", "\n"}[random.Intn(5)])
			}
		}
		inputs = append(inputs, out.String())
	}
	return inputs
}

// keySets are sets of keys for which the order is total.
func keySets() [][]string {
	sets := [][]string{
		{"A", "B", "Z", "a", "a-1", "a.b", "a_1", "a1", "a01", "a2", "a10", "ab", "b"}, {"v1.9", "v1.10"}, {"-x", "/p", "_x", "a", "Z"},
		{"k2", "k10", "k1", "k"}, {"012", "B", "b"}, {"a-b", "ab", "a"}, {"a100", "a010", "a001", "a1000"}, {"é", "e", "f", "日本"}, {"x1y2", "x1y10", "x2y1"}, {"", "a"},
	}
	random := rand.New(rand.NewSource(3))
	for range 200 {
		var out []string
		for range 2 {
			var key strings.Builder
			for range 1 + random.Intn(6) {
				key.WriteByte("ab01290-./_Z"[random.Intn(12)])
			}
			out = append(out, key.String())
		}
		sets = append(sets, out)
	}
	return sets
}
