{{ define "compare" }}
eq true true: {{ if eq true true }}true{{ else }}false{{ end }}
eq true false: {{ if eq true false }}true{{ else }}false{{ end }}
eq 1.5 1.5: {{ if eq 1.5 1.5 }}true{{ else }}false{{ end }}
eq 1.5 2.5: {{ if eq 1.5 2.5 }}true{{ else }}false{{ end }}
eq 1 1: {{ if eq 1 1 }}true{{ else }}false{{ end }}
eq 1 2: {{ if eq 1 2 }}true{{ else }}false{{ end }}
eq `xy` `xy`: {{ if eq `xy` `xy` }}true{{ else }}false{{ end }}
eq `xy` `xyz`: {{ if eq `xy` `xyz` }}true{{ else }}false{{ end }}
eq 3 4 5 6 3: {{ if eq 3 4 5 6 3 }}true{{ else }}false{{ end }}
eq 3 4 5 6 7: {{ if eq 3 4 5 6 7 }}true{{ else }}false{{ end }}
eq (int64 3) 3: {{ if eq (int64 3) 3 }}true{{ else }}false{{ end }}
eq 3 (int64 3): {{ if eq 3 (int64 3) }}true{{ else }}false{{ end }}
eq (index `x` 0) 120: {{ if eq (index `x` 0) 120 }}true{{ else }}false{{ end }}
eq (index `x` 0) 'x': {{ if eq (index `x` 0) 'x' }}true{{ else }}false{{ end }}
eq (index `x` 0) 'y': {{ if eq (index `x` 0) 'y' }}true{{ else }}false{{ end }}
eq 'x' (index `x` 0): {{ if eq 'x' (index `x` 0) }}true{{ else }}false{{ end }}
eq .Values.half 1.5: {{ if eq .Values.half 1.5 }}true{{ else }}false{{ end }}
eq .Values.one 1.0: {{ if eq .Values.one 1.0 }}true{{ else }}false{{ end }}
eq (int .Values.one) 1: {{ if eq (int .Values.one) 1 }}true{{ else }}false{{ end }}
eq .Values.truth true: {{ if eq .Values.truth true }}true{{ else }}false{{ end }}
eq .Values.null_ nil: {{ if eq .Values.null_ nil }}true{{ else }}false{{ end }}
eq nil .Values.missing: {{ if eq nil .Values.missing }}true{{ else }}false{{ end }}
eq nil nil: {{ if eq nil nil }}true{{ else }}false{{ end }}
eq .Values.null_ 0: {{ if eq .Values.null_ 0 }}true{{ else }}false{{ end }}
eq 0 .Values.null_: {{ if eq 0 .Values.null_ }}true{{ else }}false{{ end }}
eq .Values.map nil: {{ if eq .Values.map nil }}true{{ else }}false{{ end }}
eq nil .Values.list: {{ if eq nil .Values.list }}true{{ else }}false{{ end }}
eq .Values.missing .Values.null_: {{ if eq .Values.missing .Values.null_ }}true{{ else }}false{{ end }}
eq "a" .Values.missing: {{ if eq "a" .Values.missing }}true{{ else }}false{{ end }}
eq 1 2 nil: {{ if eq 1 2 nil }}true{{ else }}false{{ end }}
eq (index `x` 0) -1: {{ if eq (index `x` 0) -1 }}true{{ else }}false{{ end }}
eq -1 (index `x` 0): {{ if eq -1 (index `x` 0) }}true{{ else }}false{{ end }}
ne true true: {{ if ne true true }}true{{ else }}false{{ end }}
ne true false: {{ if ne true false }}true{{ else }}false{{ end }}
ne 1.5 2.5: {{ if ne 1.5 2.5 }}true{{ else }}false{{ end }}
ne 1 1: {{ if ne 1 1 }}true{{ else }}false{{ end }}
ne `xy` `xyz`: {{ if ne `xy` `xyz` }}true{{ else }}false{{ end }}
ne .Values.null_ 1: {{ if ne .Values.null_ 1 }}true{{ else }}false{{ end }}
ne nil nil: {{ if ne nil nil }}true{{ else }}false{{ end }}
lt 1 1: {{ if lt 1 1 }}true{{ else }}false{{ end }}
lt 1 2: {{ if lt 1 2 }}true{{ else }}false{{ end }}
lt 2 1: {{ if lt 2 1 }}true{{ else }}false{{ end }}
lt 1.5 1.5: {{ if lt 1.5 1.5 }}true{{ else }}false{{ end }}
lt 1.5 2.5: {{ if lt 1.5 2.5 }}true{{ else }}false{{ end }}
lt 2.5 1.5: {{ if lt 2.5 1.5 }}true{{ else }}false{{ end }}
lt `xy` `xy`: {{ if lt `xy` `xy` }}true{{ else }}false{{ end }}
lt `xy` `xyz`: {{ if lt `xy` `xyz` }}true{{ else }}false{{ end }}
lt `xyz` `xy`: {{ if lt `xyz` `xy` }}true{{ else }}false{{ end }}
lt (int64 1) 2: {{ if lt (int64 1) 2 }}true{{ else }}false{{ end }}
lt (index `x` 0) 120: {{ if lt (index `x` 0) 120 }}true{{ else }}false{{ end }}
lt (index `x` 0) -1: {{ if lt (index `x` 0) -1 }}true{{ else }}false{{ end }}
lt -1 (index `x` 0): {{ if lt -1 (index `x` 0) }}true{{ else }}false{{ end }}
lt 1 (index `x` 0): {{ if lt 1 (index `x` 0) }}true{{ else }}false{{ end }}
lt .Values.half 1.5: {{ if lt .Values.half 1.5 }}true{{ else }}false{{ end }}
lt `a` .Values.text: {{ if lt `a` .Values.text }}true{{ else }}false{{ end }}
le 1 1: {{ if le 1 1 }}true{{ else }}false{{ end }}
le 1 2: {{ if le 1 2 }}true{{ else }}false{{ end }}
le 2 1: {{ if le 2 1 }}true{{ else }}false{{ end }}
le 1.5 1.5: {{ if le 1.5 1.5 }}true{{ else }}false{{ end }}
le 1.5 2.5: {{ if le 1.5 2.5 }}true{{ else }}false{{ end }}
le 2.5 1.5: {{ if le 2.5 1.5 }}true{{ else }}false{{ end }}
le `xy` `xy`: {{ if le `xy` `xy` }}true{{ else }}false{{ end }}
le `xy` `xyz`: {{ if le `xy` `xyz` }}true{{ else }}false{{ end }}
le `xyz` `xy`: {{ if le `xyz` `xy` }}true{{ else }}false{{ end }}
le (int64 1) 2: {{ if le (int64 1) 2 }}true{{ else }}false{{ end }}
le (index `x` 0) 120: {{ if le (index `x` 0) 120 }}true{{ else }}false{{ end }}
le (index `x` 0) -1: {{ if le (index `x` 0) -1 }}true{{ else }}false{{ end }}
le -1 (index `x` 0): {{ if le -1 (index `x` 0) }}true{{ else }}false{{ end }}
le 1 (index `x` 0): {{ if le 1 (index `x` 0) }}true{{ else }}false{{ end }}
le .Values.half 1.5: {{ if le .Values.half 1.5 }}true{{ else }}false{{ end }}
le `a` .Values.text: {{ if le `a` .Values.text }}true{{ else }}false{{ end }}
gt 1 1: {{ if gt 1 1 }}true{{ else }}false{{ end }}
gt 1 2: {{ if gt 1 2 }}true{{ else }}false{{ end }}
gt 2 1: {{ if gt 2 1 }}true{{ else }}false{{ end }}
gt 1.5 1.5: {{ if gt 1.5 1.5 }}true{{ else }}false{{ end }}
gt 1.5 2.5: {{ if gt 1.5 2.5 }}true{{ else }}false{{ end }}
gt 2.5 1.5: {{ if gt 2.5 1.5 }}true{{ else }}false{{ end }}
gt `xy` `xy`: {{ if gt `xy` `xy` }}true{{ else }}false{{ end }}
gt `xy` `xyz`: {{ if gt `xy` `xyz` }}true{{ else }}false{{ end }}
gt `xyz` `xy`: {{ if gt `xyz` `xy` }}true{{ else }}false{{ end }}
gt (int64 1) 2: {{ if gt (int64 1) 2 }}true{{ else }}false{{ end }}
gt (index `x` 0) 120: {{ if gt (index `x` 0) 120 }}true{{ else }}false{{ end }}
gt (index `x` 0) -1: {{ if gt (index `x` 0) -1 }}true{{ else }}false{{ end }}
gt -1 (index `x` 0): {{ if gt -1 (index `x` 0) }}true{{ else }}false{{ end }}
gt 1 (index `x` 0): {{ if gt 1 (index `x` 0) }}true{{ else }}false{{ end }}
gt .Values.half 1.5: {{ if gt .Values.half 1.5 }}true{{ else }}false{{ end }}
gt `a` .Values.text: {{ if gt `a` .Values.text }}true{{ else }}false{{ end }}
ge 1 1: {{ if ge 1 1 }}true{{ else }}false{{ end }}
ge 1 2: {{ if ge 1 2 }}true{{ else }}false{{ end }}
ge 2 1: {{ if ge 2 1 }}true{{ else }}false{{ end }}
ge 1.5 1.5: {{ if ge 1.5 1.5 }}true{{ else }}false{{ end }}
ge 1.5 2.5: {{ if ge 1.5 2.5 }}true{{ else }}false{{ end }}
ge 2.5 1.5: {{ if ge 2.5 1.5 }}true{{ else }}false{{ end }}
ge `xy` `xy`: {{ if ge `xy` `xy` }}true{{ else }}false{{ end }}
ge `xy` `xyz`: {{ if ge `xy` `xyz` }}true{{ else }}false{{ end }}
ge `xyz` `xy`: {{ if ge `xyz` `xy` }}true{{ else }}false{{ end }}
ge (int64 1) 2: {{ if ge (int64 1) 2 }}true{{ else }}false{{ end }}
ge (index `x` 0) 120: {{ if ge (index `x` 0) 120 }}true{{ else }}false{{ end }}
ge (index `x` 0) -1: {{ if ge (index `x` 0) -1 }}true{{ else }}false{{ end }}
ge -1 (index `x` 0): {{ if ge -1 (index `x` 0) }}true{{ else }}false{{ end }}
ge 1 (index `x` 0): {{ if ge 1 (index `x` 0) }}true{{ else }}false{{ end }}
ge .Values.half 1.5: {{ if ge .Values.half 1.5 }}true{{ else }}false{{ end }}
ge `a` .Values.text: {{ if ge `a` .Values.text }}true{{ else }}false{{ end }}
{{ end }}
