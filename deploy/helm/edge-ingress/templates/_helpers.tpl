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

{{/* Labels of an object: ours, then LABELS of its own, then those of all. */}}
{{- define "edge.labelsAnd" -}}
{{- merge (include "edge.ownLabels" .root | fromYaml) .labels .root.Values.commonLabels | toYaml }}
{{- end }}

{{- define "edge.labels" -}}
{{- include "edge.labelsAnd" (dict "root" . "labels" dict) }}
{{- end }}

{{- define "edge.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "edge.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "edge.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "edge.image" -}}
{{- with .Values.controller.image }}
{{- if include "edge.foreignImage" $ }}
{{- with $.Values.global.image.registry }}{{ . }}/{{ end }}edge-ingress:{{ $.Chart.AppVersion }}
{{- else }}
{{- with default $.Values.global.image.registry .registry }}{{ . }}/{{ end }}{{ .image }}:{{ default $.Chart.AppVersion .tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether the image named is that of ingress-nginx, as its files of values have it; empty: no. */}}
{{- define "edge.foreignImage" -}}
{{- if contains "ingress-nginx/controller" .Values.controller.image.image }}yes{{ end }}
{{- end }}

{{- define "edge.webhook" -}}
{{- printf "%s-admission" (include "edge.fullname" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Port of the webhook inside the pod; that of https is taken. */}}
{{- define "edge.webhookPort" -}}
{{- $port := int .Values.controller.admissionWebhooks.port }}
{{- ternary 9443 $port (eq $port (int .Values.controller.containerPort.https)) }}
{{- end }}

{{/* Whether there is a Service for traffic from outside; empty: no. */}}
{{- define "edge.hasService" -}}
{{- if and .Values.controller.service.enabled .Values.controller.service.external.enabled }}yes{{ end }}
{{- end }}

{{/* The new pod comes before the old one goes, except where both would need the same port of a node. */}}
{{- define "edge.rollout" -}}
{{- $exclusive := or .Values.controller.hostPort.enabled .Values.controller.hostNetwork -}}
maxUnavailable: {{ ternary 1 0 $exclusive }}
maxSurge: {{ ternary 0 1 $exclusive }}
{{- end }}

{{- define "edge.scope" -}}
{{- default (include "edge.namespace" .) .Values.controller.scope.namespace }}
{{- end }}

{{- define "edge.electionID" -}}
{{- default (printf "%s-leader" (include "edge.fullname" .)) .Values.controller.electionID }}
{{- end }}

{{/* Name of the Lease that is in force, which the Role has to permit. */}}
{{- define "edge.lease" -}}
{{- get (include "edge.settings" . | fromYaml) "election-id" }}
{{- end }}

{{/* ConfigMap of the settings; that of the keys has the name it has in ingress-nginx's chart. */}}
{{- define "edge.settingsName" -}}
{{- printf "%s-settings" (include "edge.fullname" . | trunc 54 | trimSuffix "-") }}
{{- end }}

{{/* A value as the text that it is in a ConfigMap. */}}
{{- define "edge.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}
{{- else if kindIs "float64" . }}{{ ternary (int64 . | toString) (toString .) (eq (floor .) .) }}
{{- else }}{{ toString . }}
{{- end }}
{{- end }}

{{/* Keys of ingress-nginx's ConfigMap, which the control plane follows: those of config, and values that stand for one. */}}
{{- define "edge.keys" -}}
{{- $names := .Files.Get "files/configmap-keys.yaml" | fromYamlArray }}
{{- $keys := dict }}
{{- if .Values.controller.allowSnippetAnnotations }}{{ $_ := set $keys "allow-snippet-annotations" "true" }}{{ end }}
{{- range $name, $value := .Values.controller.config }}
{{- if and (has $name $names) (not (kindIs "invalid" $value)) }}{{ $_ := set $keys $name (include "edge.text" $value) }}{{ end }}
{{- end }}
{{- toYaml $keys }}
{{- end }}

{{/* Settings by the names of their flags: what the chart's own values say, then config, then extraArgs. */}}
{{- define "edge.settings" -}}
{{- $controller := .Values.controller }}
{{- $settings := dict
      "shm-dir" "/run/edge"
      "configmap" (printf "%s/%s" (include "edge.namespace" .) (include "edge.controller" .))
      "ingress-class" (default $controller.ingressClassResource.name $controller.ingressClass)
      "controller-class" $controller.ingressClassResource.controllerValue
      "election-id" (include "edge.electionID" .)
      "admin" (printf "0.0.0.0:%v" $controller.metrics.port)
      "http" (printf "0.0.0.0:%[1]v,[::]:%[1]v" $controller.containerPort.http)
      "https" (printf "0.0.0.0:%[1]v,[::]:%[1]v" $controller.containerPort.https)
      "pre-stop-delay" $controller.preStopDelay
      "shutdown-grace" $controller.shutdownGrace }}
{{- if $controller.hostPort.enabled }}{{ $_ := set $settings "public-http-port" $controller.hostPort.ports.http }}
{{- $_ := set $settings "public-https-port" $controller.hostPort.ports.https }}
{{- else if and $controller.service.enabled (not $controller.hostNetwork) }}{{ $_ := set $settings "public-http-port" $controller.service.ports.http }}
{{- $_ := set $settings "public-https-port" $controller.service.ports.https }}
{{- end }}
{{- if $controller.admissionWebhooks.enabled }}
{{- $_ := set $settings "validating-webhook" (printf ":%s" (include "edge.webhookPort" .)) }}
{{- $_ := set $settings "validating-webhook-certificate" "/run/webhook/cert" }}
{{- $_ := set $settings "validating-webhook-key" "/run/webhook/key" }}
{{- end }}
{{- if $controller.enableTopologyAwareRouting }}{{ $_ := set $settings "enable-topology-aware-routing" true }}{{ end }}
{{- if $controller.disableLeaderElection }}{{ $_ := set $settings "disable-leader-election" true }}{{ end }}
{{- with $controller.electionTTL }}{{ $_ := set $settings "election-ttl" . }}{{ end }}
{{- with $controller.gatewayServices }}{{ $_ := set $settings "gateway-services" . }}{{ end }}
{{- with $controller.healthCheckPath }}{{ $_ := set $settings "health-check-path" . }}{{ end }}
{{- if $controller.watchIngressWithoutClass }}{{ $_ := set $settings "watch-ingress-without-class" true }}{{ end }}
{{- if $controller.ingressClassByName }}{{ $_ := set $settings "ingress-class-by-name" true }}{{ end }}
{{- if $controller.reportNodeInternalIp }}{{ $_ := set $settings "report-node-internal-ip-address" true }}{{ end }}
{{- if $controller.scope.enabled }}{{ $_ := set $settings "watch-namespace" (include "edge.scope" .) }}{{ end }}
{{- with $controller.scope.namespaceSelector }}{{ $_ := set $settings "watch-namespace-selector" . }}{{ end }}
{{- if and $controller.publishService.enabled (or $controller.publishService.pathOverride (include "edge.hasService" .)) }}
{{- $own := printf "%s/%s" (include "edge.namespace" .) (include "edge.controller" .) }}
{{- $_ := set $settings "publish-service" (default $own $controller.publishService.pathOverride) }}
{{- end }}
{{- range $protocol := list "tcp" "udp" }}
{{- if index $.Values $protocol }}
{{- $_ := set $settings (printf "%s-services-configmap" $protocol) (printf "%s/%s-%s" (include "edge.namespace" $) (include "edge.fullname" $) $protocol) }}
{{- end }}
{{- end }}
{{- $names := .Files.Get "files/configmap-keys.yaml" | fromYamlArray }}
{{- range $name, $value := $controller.config }}
{{- if not (has $name $names) }}{{ $_ := set $settings $name $value }}{{ end }}
{{- end }}
{{- mergeOverwrite $settings (deepCopy $controller.extraArgs) | toYaml }}
{{- end }}

{{/* The same as EDGE_... variables. */}}
{{- define "edge.variables" -}}
{{- range $name, $value := include "edge.settings" . | fromYaml }}
EDGE_{{ $name | upper | replace "-" "_" }}: {{ include "edge.text" $value | quote }}
{{ end }}
{{- end }}

{{/* The spec of a Service for traffic: type, addresses, policies, ports. */}}
{{- define "edge.serviceSpec" -}}
{{- $service := . -}}
type: {{ $service.type }}
{{- range $name := list "clusterIP" "loadBalancerIP" "loadBalancerClass" "externalTrafficPolicy" "internalTrafficPolicy" "trafficDistribution" "sessionAffinity" "ipFamilyPolicy" "healthCheckNodePort" }}
{{- with index $service $name }}
{{ $name }}: {{ . }}
{{- end }}
{{- end }}
{{- range $name := list "clusterIPs" "externalIPs" "loadBalancerSourceRanges" "ipFamilies" }}
{{- with index $service $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- if kindIs "bool" $service.allocateLoadBalancerNodePorts }}
allocateLoadBalancerNodePorts: {{ $service.allocateLoadBalancerNodePorts }}
{{- end }}
ports:
  {{- include "edge.servicePorts" $service | trim | nindent 2 }}
{{- end }}

{{- define "edge.servicePorts" -}}
{{- $service := . }}
{{- range $name, $enabled := dict "http" $service.enableHttp "https" $service.enableHttps }}
{{- if $enabled }}
- name: {{ $name }}
  port: {{ index $service.ports $name }}
  targetPort: {{ index $service.targetPorts $name }}
  protocol: TCP
  {{- if $service.appProtocol }}
  appProtocol: {{ $name }}
  {{- end }}
  {{- with index $service.nodePorts $name }}
  nodePort: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
{{- range $stream := include "edge.streams" $service.root | fromYamlArray }}
- name: {{ $stream.name }}
  port: {{ $stream.port }}
  targetPort: {{ $stream.name }}
  protocol: {{ $stream.protocol }}
  {{- with index (default dict (index $service.nodePorts (lower $stream.protocol))) (toString $stream.port) }}
  nodePort: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The ports of TCP and UDP services: name, port, protocol. */}}
{{- define "edge.streams" -}}
{{- $prefix := ternary (printf "%s-" .Values.portNamePrefix) "" (ne .Values.portNamePrefix "") }}
{{- $streams := list }}
{{- range $protocol := list "tcp" "udp" }}
{{- range $port, $_ := index $.Values $protocol }}
{{- $streams = append $streams (dict "name" (printf "%s%v-%s" $prefix $port $protocol) "port" (int $port) "protocol" (upper $protocol)) }}
{{- end }}
{{- end }}
{{- toYaml $streams }}
{{- end }}
