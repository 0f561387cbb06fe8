{{ define "show-b" -}}
passes: {{ required "m" 0 }} {{ required "m" false }} {{ required "m" 0.0 }} {{ required "m" (list) }} {{ required "m" (dict) }} {{ required "m" .Values.zero }} {{ required "m" .Values.no_ }} {{ required "m" .Values.list | typeOf }} {{ required "m" " " | quote }} {{ required "m" .Values.map.a }} {{ required "m" (int64 5) | typeOf }}
lookup: {{ lookup "v1" "Pod" "ns" "name" | toJson }} {{ lookup "v1" "Pod" "" "" | typeOf }} {{ if lookup "apps/v1" "Deployment" "ns" "x" }}found{{ else }}nothing{{ end }} {{ (lookup "v1" "Secret" "ns" "x").data }}| {{ (lookup "nope/v9" "Nope" "" "x") | len }} {{ dig "data" "k" "none" (lookup "v1" "Secret" "a" "b") }} {{ get (lookup "v1" "Secret" "a" "b") "data" | quote }} {{ range (lookup "v1" "Pod" "" "").items }}x{{ else }}no items{{ end }}
dns: {{ getHostByName "localhost" | quote }} {{ getHostByName "" | quote }}
{{ end }}
