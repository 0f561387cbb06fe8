{{ define "show-a" -}}
json: {{ toJson .Values }}
raw: {{ toRawJson .Values | quote }}
pretty: {{ toPrettyJson .Values | quote }}
must: {{ mustToJson .Values.html }} {{ mustToRawJson .Values.html | quote }} {{ mustToPrettyJson .Values.empty | quote }} {{ toRawJson .Values.html | len }}
numbers: {{ toJson (list 1 1.0 1e6 1e21 1e-7 (int64 5) 1e20 123456789.0 1e-6) }} {{ toRawJson 1e21 }} {{ toRawJson 1e-9 }}
bytes: {{ toJson (.Files.GetBytes "f.txt") }} {{ toJson .Files }} {{ toJson (splitList "," "a") }} {{ toJson nil }} {{ toJson (fromYaml "null") }} {{ toJson "\xff" }} {{ toJson .Chart }} {{ toJson .Release }}
{{ end }}
