{{- define "edge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "edge.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "edge.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "edge.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "edge.controller" -}}
{{- printf "%s-%s" (include "edge.fullname" .) .Values.controller.name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "edge.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "edge.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "edge.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "edge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "edge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.controller.name }}
{{- end }}

{{- define "edge.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "edge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "edge.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "edge.image" -}}
{{- with .Values.controller.image }}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .image }}:{{ default $.Chart.AppVersion .tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "edge.scope" -}}
{{- default (include "edge.namespace" .) .Values.controller.scope.namespace }}
{{- end }}

{{- define "edge.electionID" -}}
{{- default (printf "%s-leader" (include "edge.fullname" .)) .Values.controller.electionID }}
{{- end }}

{{/* Settings by the names of their flags: what the chart's own values say, then config, then extraArgs. */}}
{{- define "edge.settings" -}}
{{- $controller := .Values.controller }}
{{- $settings := dict
      "shm-dir" "/run/edge"
      "ingress-class" (default $controller.ingressClassResource.name $controller.ingressClass)
      "controller-class" $controller.ingressClassResource.controllerValue
      "election-id" (include "edge.electionID" .)
      "admin" (printf "0.0.0.0:%v" $controller.metrics.port)
      "http" (printf "0.0.0.0:%[1]v,[::]:%[1]v" $controller.containerPort.http)
      "https" (printf "0.0.0.0:%[1]v,[::]:%[1]v" $controller.containerPort.https)
      "pre-stop-delay" $controller.preStopDelay
      "shutdown-grace" $controller.shutdownGrace }}
{{- if $controller.watchIngressWithoutClass }}{{ $_ := set $settings "watch-ingress-without-class" true }}{{ end }}
{{- if $controller.ingressClassByName }}{{ $_ := set $settings "ingress-class-by-name" true }}{{ end }}
{{- if $controller.reportNodeInternalIp }}{{ $_ := set $settings "report-node-internal-ip-address" true }}{{ end }}
{{- if $controller.scope.enabled }}{{ $_ := set $settings "watch-namespace" (include "edge.scope" .) }}{{ end }}
{{- with $controller.scope.namespaceSelector }}{{ $_ := set $settings "watch-namespace-selector" . }}{{ end }}
{{- if and $controller.publishService.enabled (or $controller.publishService.pathOverride $controller.service.enabled) }}
{{- $own := printf "%s/%s" (include "edge.namespace" .) (include "edge.controller" .) }}
{{- $_ := set $settings "publish-service" (default $own $controller.publishService.pathOverride) }}
{{- end }}
{{- mergeOverwrite $settings (deepCopy $controller.config) (deepCopy $controller.extraArgs) | toYaml }}
{{- end }}

{{/* The same as EDGE_... variables. */}}
{{- define "edge.variables" -}}
{{- range $name, $value := include "edge.settings" . | fromYaml }}
{{- $text := toString $value }}
{{- if kindIs "slice" $value }}{{ $text = join "," $value }}{{ end }}
{{- if kindIs "float64" $value }}{{ $text = ternary (int64 $value | toString) (toString $value) (eq (floor $value) $value) }}{{ end }}
EDGE_{{ $name | upper | replace "-" "_" }}: {{ $text | quote }}
{{ end }}
{{- end }}

{{/* Ports of a Service for traffic. */}}
{{- define "edge.servicePorts" -}}
{{- $service := .service }}
{{- range $name, $enabled := dict "http" $service.enableHttp "https" $service.enableHttps }}
{{- if $enabled }}
- name: {{ $name }}
  port: {{ index $service.ports $name }}
  targetPort: {{ index $service.targetPorts $name }}
  protocol: TCP
  {{- if $service.appProtocol }}
  appProtocol: {{ $name }}
  {{- end }}
  {{- with index $.nodePorts $name }}
  nodePort: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
