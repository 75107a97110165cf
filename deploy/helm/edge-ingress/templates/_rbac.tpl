{{/* What the control plane may do; the same rules as in deploy/ (tests/deploy compares them). */}}

{{/* Objects of the namespaces that it serves. */}}
{{- define "edge.objectRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, listenersets, httproutes, grpcroutes, tlsroutes, tcproutes, udproutes, referencegrants, backendtlspolicies]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways/status, listenersets/status, httproutes/status, grpcroutes/status, tlsroutes/status, tcproutes/status, udproutes/status, backendtlspolicies/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if get (include "edge.settings" . | fromYaml) "gateway-services" }}
- apiGroups: [""]
  resources: [services]
  verbs: [create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [create, patch, delete]
{{- end }}
{{- end }}

{{/* Objects that belong to no namespace. */}}
{{- define "edge.clusterRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingressclasses]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gatewayclasses/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [nodes]
  verbs: [get]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames: [gatewayclasses.gateway.networking.k8s.io]
  verbs: [list, watch]
{{- end }}

{{/* What a setting names in a namespace other than the one that is watched. */}}
{{- define "edge.referenceRules" -}}
{{- if eq .setting "default-ssl-certificate" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .name }}]
  verbs: [get, list, watch]
{{- else if hasSuffix "configmap" .setting -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ .name }}]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- else -}}
- apiGroups: [""]
  resources: [services]
  resourceNames: [{{ .name }}]
  verbs: [list, watch]
{{- if eq .setting "default-backend-service" }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- end }}

{{/* Its own namespace: election, and the pods beside it. */}}
{{- define "edge.ownRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "edge.lease" . }}]
  verbs: [get, update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
{{- end }}
