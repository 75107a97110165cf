{{/* Annotations of an object that is there for the Jobs of the webhook alone. */}}
{{- define "edge.hook" -}}
helm.sh/hook: {{ .hook }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* One of the Jobs: root, job (its values), hook, args. */}}
{{- define "edge.webhookJob" -}}
{{- $webhook := .root.Values.controller.admissionWebhooks -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "edge.webhook" .root }}-{{ .job.name }}
  namespace: {{ include "edge.namespace" .root }}
  labels:
    {{- include "edge.labelsAnd" (dict "root" .root "labels" $webhook.patch.labels) | nindent 4 }}
  annotations:
    {{- merge (include "edge.hook" . | fromYaml) $webhook.annotations | toYaml | nindent 4 }}
spec:
  ttlSecondsAfterFinished: 0
  template:
    metadata:
      name: {{ include "edge.webhook" .root }}-{{ .job.name }}
      labels:
        {{- include "edge.ownLabels" .root | fromYaml | merge (dict "app.kubernetes.io/component" "admission-webhook") $webhook.patch.labels | toYaml | nindent 8 }}
      {{- with $webhook.patch.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      restartPolicy: OnFailure
      serviceAccountName: {{ include "edge.webhook" .root }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $webhook.patch.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $webhook.patch.runtimeClassName }}
      runtimeClassName: {{ . }}
      {{- end }}
      {{- with $webhook.patch.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $webhook.patch.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $webhook.patch.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .job.name }}
          {{- with $webhook.patch.image }}
          image: {{ with default $.root.Values.global.image.registry .registry }}{{ . }}/{{ end }}{{ .image }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}
          imagePullPolicy: {{ .pullPolicy }}
          {{- end }}
          args:
            {{- toYaml .args | nindent 12 }}
          env:
            - name: POD_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
          {{- with .job.securityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .job.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
{{- end }}
