{{/* The pod: the control plane holds the API token, the proxy holds the clients' bytes, the table is all they share. */}}
{{- define "edge.pod" -}}
{{- $controller := .Values.controller -}}
metadata:
  labels:
    {{- merge (include "edge.selectorLabels" . | fromYaml) $controller.podLabels .Values.commonLabels | toYaml | nindent 4 }}
  annotations:
    {{- $annotations := dict "kubectl.kubernetes.io/default-container" "proxy" }}
    {{- $checksum := dict "checksum/settings" (include "edge.variables" . | sha256sum) }}
    {{- merge $checksum $controller.podAnnotations $annotations | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "edge.serviceAccount" . }}
  automountServiceAccountToken: false
  # A Service named "edge" would otherwise put variables EDGE_SERVICE_... into the containers.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $controller.terminationGracePeriodSeconds }}
  {{- if $controller.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with $controller.dnsPolicy | default (ternary "ClusterFirstWithHostNet" "" $controller.hostNetwork) }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with $controller.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.hostname }}
  hostname: {{ . }}
  {{- end }}
  {{- with $controller.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $controller.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- if $controller.shareProcessNamespace }}
  shareProcessNamespace: true
  {{- end }}
  securityContext:
    {{- toYaml $controller.podSecurityContext | nindent 4 }}
    {{- $low := or (lt (int $controller.containerPort.http) 1024) (lt (int $controller.containerPort.https) 1024) }}
    {{- range $port := concat (keys .Values.tcp) (keys .Values.udp) }}
    {{- $low = or $low (lt (int $port) 1024) }}
    {{- end }}
    {{- $needed := ternary (dict "net.ipv4.ip_unprivileged_port_start" "0") dict (and $low (not $controller.hostNetwork)) }}
    {{- with merge (deepCopy $controller.sysctls) $needed }}
    sysctls:
      {{- range $name, $value := . }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- end }}
  {{- with $controller.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $controller.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- tpl (toYaml $controller.topologySpreadConstraints) . | nindent 4 }}
  {{- else if eq $controller.kind "Deployment" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "edge.selectorLabels" . | nindent 10 }}
  {{- end }}
  {{- with $controller.extraInitContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: control
      image: {{ include "edge.image" . }}
      imagePullPolicy: {{ $controller.image.pullPolicy }}
      args:
        - control
        {{- with $controller.control.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "edge.settingsName" . }}
      env:
        - name: POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: POD_NAMESPACE
          valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
        {{- if $controller.page.token.secretName }}
        - name: EDGE_ADMIN_TOKEN_FILE
          value: /run/page/{{ $controller.page.token.key }}
        {{- end }}
        {{- with concat $controller.extraEnvs $controller.control.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: metrics
          containerPort: {{ $controller.metrics.port }}
        {{- if $controller.admissionWebhooks.enabled }}
        - name: webhook
          containerPort: {{ include "edge.webhookPort" . }}
        {{- end }}
      {{- with $controller.startupProbe }}
      startupProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      livenessProbe:
        {{- toYaml $controller.livenessProbe | nindent 8 }}
      readinessProbe:
        {{- toYaml $controller.readinessProbe | nindent 8 }}
      resources:
        {{- toYaml $controller.control.resources | nindent 8 }}
      securityContext:
        {{- toYaml $controller.containerSecurityContext | nindent 8 }}
      volumeMounts:
        - name: table
          mountPath: /run/edge
        - name: token
          mountPath: /var/run/secrets/kubernetes.io/serviceaccount
          readOnly: true
        {{- if $controller.page.token.secretName }}
        - name: page
          mountPath: /run/page
          readOnly: true
        {{- end }}
        {{- if $controller.admissionWebhooks.enabled }}
        - name: webhook
          mountPath: /run/webhook
          readOnly: true
        {{- end }}
    - name: proxy
      image: {{ include "edge.image" . }}
      imagePullPolicy: {{ $controller.image.pullPolicy }}
      args:
        - proxy
        {{- with $controller.proxy.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "edge.settingsName" . }}
      {{- with $controller.extraEnvs }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ $controller.containerPort.http }}
          {{- if $controller.hostPort.enabled }}
          hostPort: {{ $controller.hostPort.ports.http }}
          {{- end }}
        - name: https
          containerPort: {{ $controller.containerPort.https }}
          {{- if $controller.hostPort.enabled }}
          hostPort: {{ $controller.hostPort.ports.https }}
          {{- end }}
        {{- range $stream := include "edge.streams" . | fromYamlArray }}
        - name: {{ $stream.name }}
          containerPort: {{ $stream.port }}
          protocol: {{ $stream.protocol }}
          {{- if $controller.hostPort.enabled }}
          hostPort: {{ $stream.port }}
          {{- end }}
        {{- end }}
      resources:
        {{- toYaml $controller.resources | nindent 8 }}
      {{- with $controller.resizePolicy }}
      resizePolicy:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml $controller.containerSecurityContext | nindent 8 }}
      volumeMounts:
        - name: table
          mountPath: /run/edge
        - name: bodies
          mountPath: /tmp
        {{- with $controller.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $controller.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: table
      emptyDir:
        medium: Memory
        sizeLimit: {{ $controller.table.sizeLimit }}
    # Bodies that are too large for memory, in files without names.
    - name: bodies
      emptyDir: {}
    # What automounting would mount, for one container only.
    - name: token
      projected:
        defaultMode: 0440
        sources:
          - serviceAccountToken:
              path: token
              expirationSeconds: 3607
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef:
                    fieldPath: metadata.namespace
    {{- with $controller.page.token.secretName }}
    # Pods start without it, and no one may look; what comes later, or is another, is in force at once.
    - name: page
      secret:
        secretName: {{ . }}
        optional: true
        defaultMode: 0440
        items:
          - {key: {{ $controller.page.token.key }}, path: {{ $controller.page.token.key }}}
    {{- end }}
    {{- if $controller.admissionWebhooks.enabled }}
    # Pods start without it; what comes later, or is another, is in force for new connections.
    - name: webhook
      secret:
        secretName: {{ include "edge.webhook" . }}
        optional: true
        defaultMode: 0440
        items:
          {{- $issued := $controller.admissionWebhooks.certManager.enabled }}
          - {key: {{ ternary "tls.crt" "cert" $issued }}, path: cert}
          - {key: {{ ternary "tls.key" "key" $issued }}, path: key}
    {{- end }}
    {{- with $controller.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
