"""Writes charts to measure with: `small`, of 6 templates like podinfo's, and `large`, of 200 templates and 20,000 lines."""

import pathlib

HELPERS = """\
{{- define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "app.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "app.selector" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "app.selector" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
"""

METADATA = """\
metadata:
  name: {{ include "app.fullname" . }}SUFFIX
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
  {{- with .Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
METADATAspec:
  {{- if not .Values.hpa.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "app.selector" . | nindent 8 }}
      annotations:
        checksum/config: {{ toYaml .Values.config | sha256sum }}
    spec:
      {{- if .Values.serviceAccount.enabled }}
      serviceAccountName: {{ include "app.fullname" . }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          ports:
            {{- range $name, $port := .Values.service.ports }}
            - name: {{ $name }}
              containerPort: {{ $port | int }}
              protocol: TCP
            {{- end }}
          env:
            {{- range $key, $value := .Values.config }}
            - name: {{ $key | upper | replace "." "_" }}
              value: {{ tpl (toString $value) $ | quote }}
            {{- end }}
          livenessProbe:
            {{- toYaml .Values.probe | nindent 12 }}
          readinessProbe:
            {{- toYaml .Values.probe | nindent 12 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"""

SERVICE = """\
apiVersion: v1
kind: Service
METADATAspec:
  type: {{ .Values.service.type }}
  ports:
    {{- range $name, $port := .Values.service.ports }}
    - port: {{ $port }}
      targetPort: {{ $name }}
      name: {{ $name }}
      {{- if and (eq $.Values.service.type "NodePort") $.Values.service.nodePort }}
      nodePort: {{ $.Values.service.nodePort }}
      {{- end }}
    {{- end }}
  selector:
    {{- include "app.selector" . | nindent 4 }}
"""

CONFIG = """\
apiVersion: v1
kind: ConfigMap
METADATAdata:
  {{- range $key, $value := .Values.config }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
"""

AUTOSCALER = """\
{{- if .Values.hpa.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
METADATAspec:
  minReplicas: {{ .Values.replicaCount }}
  maxReplicas: {{ .Values.hpa.maxReplicas | default (add .Values.replicaCount 2) }}
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "app.fullname" . }}
{{- end }}
"""

ACCOUNT = """\
{{- if .Values.serviceAccount.enabled }}
apiVersion: v1
kind: ServiceAccount
METADATA{{- end }}
"""

# As charts of dashboards and alerts have them: much text, and some actions between.
RULES = """\
{{- if and .Values.rules.create (not (has "NUMBER" .Values.rules.disabled)) }}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
METADATAspec:
  groups:
    - name: group-NUMBER
      rules:
ALERTS{{- end }}
"""

ALERT = """\
        {{- if not (.Values.rules.muted.AlertINDEX | default false) }}
        - alert: AlertINDEX
          annotations:
            {{- with .Values.annotations }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            description: '{{`{{ $labels.namespace }}/{{ $labels.pod }} has been over {{ $value | humanizePercentage }}`}} for INDEX minutes.'
            runbook_url: {{ .Values.rules.runbooks }}/alertINDEX
          expr: |-
            sum by (namespace, pod) (rate(requests_total{job="{{ include "app.fullname" . }}", code=~"5.."}[5m]))
              / sum by (namespace, pod) (rate(requests_total{namespace=~"{{ .Values.rules.namespaces | default ".*" }}"}[5m])) > 0.0INDEX
          for: {{ dig "AlertINDEX" "for" "15m" .Values.rules.custom }}
          labels:
            severity: {{ .Values.rules.severity }}
        {{- end }}
"""

VALUES = """\
replicaCount: 2
image: {repository: registry.example/app, tag: "", pullPolicy: IfNotPresent}
annotations: {team: platform, contact: "platform@example.org"}
serviceAccount: {enabled: true}
service: {type: ClusterIP, ports: {http: 9898, grpc: 9999, metrics: 9797}}
hpa: {enabled: true, maxReplicas: 10}
probe: {httpGet: {path: /healthz, port: http}, initialDelaySeconds: 1, timeoutSeconds: 5}
resources: {limits: {memory: 512Mi}, requests: {cpu: 10m, memory: 64Mi}}
config: {log.level: info, greeting: 'hello from {{ .Release.Name }}', cache: "redis:6379", workers: 4}
rules: {create: true, disabled: [], muted: {}, custom: {Alert3: {for: 1h}}, severity: warning, namespaces: "", runbooks: "https://runbooks.example"}
"""


def write_chart(folder, templates):
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {folder.name}\nversion: 1.2.3\nappVersion: 6.0.0\n")
    (folder / "values.yaml").write_text(VALUES)
    (folder / "templates" / "_helpers.tpl").write_text(HELPERS)
    for name, text in templates.items():
        (folder / "templates" / f"{name}.yaml").write_text(text)
    return folder


def application(suffix=""):
    texts = {"deployment": DEPLOYMENT, "service": SERVICE, "config": CONFIG, "hpa": AUTOSCALER, "account": ACCOUNT}
    return {
        name + suffix: text.replace("METADATA", METADATA.replace("SUFFIX", suffix)) for name, text in texts.items()
    }


def rules(number):
    alerts = "".join(ALERT.replace("INDEX", str(index)) for index in range(1, 10))
    metadata = METADATA.replace("SUFFIX", f"-rules-{number}")
    return RULES.replace("ALERTS", alerts).replace("METADATA", metadata).replace("NUMBER", str(number))


def write_all(root):
    """The folders of the charts, by name."""
    root = pathlib.Path(root)
    large = {f"rules-{number}": rules(number) for number in range(150)}
    for number in range(10):
        large |= application(f"-{number}")
    return {
        "small": write_chart(root / "small", application()),
        "large": write_chart(root / "large", large),
    }
