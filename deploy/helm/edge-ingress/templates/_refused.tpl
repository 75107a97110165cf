{{/* What is asked for under a name of ingress-nginx's chart and cannot be had, with what to do: for the notes. */}}
{{- define "edge.unavailable" -}}
{{- $found := list -}}
{{- range $path, $way := .Files.Get "files/ingress-nginx.yaml" | fromYaml -}}
{{- $value := $.Values -}}
{{- range splitList "." $path -}}
{{- $value = ternary (get (ternary $value dict (kindIs "map" $value)) .) nil (kindIs "map" $value) -}}
{{- end -}}
{{- if and $value $way -}}{{- $found = append $found (printf "%s: %s" $path $way) -}}{{- end -}}
{{- end -}}
{{- if include "edge.foreignImage" . -}}
{{- $found = append $found "controller.image: it is the image of ingress-nginx, so that of Edge is used; name yours" -}}
{{- end -}}
{{- range $name, $port := dict "http-port" "http" "https-port" "https" -}}
{{- if hasKey $.Values.controller.extraArgs $name -}}
{{- $found = append $found (printf "controller.extraArgs.%s: the port inside the pod is controller.containerPort.%s" $name $port) -}}
{{- end -}}
{{- end -}}
{{- with $found }}- {{ join "\n- " . }}{{ end -}}
{{- end }}

{{/* Refuses combinations that the API server would refuse. All of them at once. */}}
{{- define "edge.refused" -}}
{{- $refused := list -}}
{{- $controller := .Values.controller -}}
{{- if and $controller.hostNetwork $controller.hostPort.enabled -}}
{{- if or (ne (int $controller.hostPort.ports.http) (int $controller.containerPort.http)) (ne (int $controller.hostPort.ports.https) (int $controller.containerPort.https)) -}}
{{- $refused = append $refused "controller.hostPort: with controller.hostNetwork the ports of the node are those of controller.containerPort; leave out one of the two" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.rbac.scope (not $controller.scope.enabled) -}}
{{- $refused = append $refused "rbac.scope: without a ClusterRole Edge can watch one namespace only; set controller.scope.enabled" -}}
{{- end -}}
{{- if and $controller.autoscaling.enabled $controller.keda.enabled -}}
{{- $refused = append $refused "controller.keda: it makes an autoscaler of its own; leave out controller.autoscaling" -}}
{{- end -}}
{{- with $refused -}}{{- fail (printf "\n- %s" (join "\n- " .)) -}}{{- end -}}
{{- end }}
