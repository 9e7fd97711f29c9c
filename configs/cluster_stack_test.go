package configs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// shared is what the user of several nodes has to give, to all the same.
var shared = []string{
	"API_KEY=k", "CLUSTER_SECRET=0123456789abcdef0123456789abcdef",
	"ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
}

// clusterStack reads the file of the three nodes.
func clusterStack(t *testing.T) (services map[string]service, balancer string) {
	t.Helper()
	text, err := os.ReadFile("compose.cluster.yaml")
	require.NoError(t, err)
	var file struct {
		Services map[string]service
		Volumes  map[string]any
		Configs  map[string]struct{ Content string }
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	for name, s := range file.Services {
		require.NotEmpty(t, s.Healthcheck.Test, name)
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			require.Contains(t, file.Volumes, source, name)
		}
	}
	return file.Services, file.Configs["balancer"].Content
}

func TestTheNodesOfTheStackShareWhatTheyMustAndAreToldApart(t *testing.T) {
	t.Parallel()
	services, _ := clusterStack(t)
	defaults, _ := declared(t)
	for _, name := range []string{"node-1", "node-2", "node-3"} {
		node := services[name]
		for variable := range node.Environment {
			require.Contains(t, defaults, variable)
		}
		for i := range shared {
			_, err := Load(node.environ(slices.Delete(slices.Clone(shared), i, i+1)...), "")
			require.Error(t, err, "%s starts without %s", name, shared[i])
		}
		c, err := Load(node.environ(shared...), "")
		require.NoError(t, err)
		require.Equal(t, name, c.Cluster.Name())
		require.Equal(t, name+":3004", c.Cluster.Advertised(""))
		require.Equal(t, "redis:6379", parsed(t, c.Cluster.Registry(&c.Redis)).Host)
		require.Equal(t, "postgres:5432", parsed(t, c.Postgres.Address()).Host)
		requireLogin(t, services["postgres"], c.Postgres.Address())
		require.Empty(t, node.Ports, "clients come by the balancer")
	}
	require.Equal(t, []string{"127.0.0.1:3001:3001", "127.0.0.1:3002:3002"}, services["balancer"].Ports)
	postgres := strings.Join(services["postgres"].Command, " ")
	for _, setting := range []string{"fsync=on", "full_page_writes=on", "synchronous_commit=on"} {
		require.Contains(t, postgres, setting)
	}
	for _, name := range []string{"balancer", "postgres", "redis"} {
		require.Regexp(t, `^[a-z0-9./-]+:v?\d+\.\d+[a-z0-9.-]*$`, services[name].Image, name)
	}
}

func TestTheBalancerAsksEachNodeWhetherItIsReadyAndSendsNothingTwice(t *testing.T) {
	t.Parallel()
	services, balancer := clusterStack(t)
	for port, listener := range map[string]string{"3001": "rest", "3002": "streams"} {
		_, section, found := strings.Cut(balancer, "listen "+listener+"\n")
		require.True(t, found)
		section, _, _ = strings.Cut(section, "listen ")
		require.Contains(t, section, "bind :"+port+"\n")
		for name := range services {
			require.Equal(t, strings.HasPrefix(name, "node-"), strings.Contains(section, "server "+name+" "+name+":"+port+"\n"), name)
		}
	}
	require.Contains(t, balancer, "option httpchk GET /readyz\n")
	require.Contains(t, balancer, "check port 3003 ")
	require.Contains(t, balancer, "retry-on conn-failure\n")

	if testing.Short() {
		t.Skip("make test brings the haproxy that reads it")
	}
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // which is not in everybody's PATH
	}
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	require.NoError(t, os.WriteFile(path, []byte(balancer), 0o600))
	told, err := exec.CommandContext(t.Context(), program, "-c", "-f", path).CombinedOutput()
	require.NoError(t, err, "%s", told)
}

// The objects of Kubernetes, as far as they are used here: a field that is not among
// these is a slip.
type (
	object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   objectMeta
		Spec       yaml.Node
	}
	objectMeta struct {
		Name   string
		Labels map[string]string
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	statefulSet struct {
		ServiceName         string `yaml:"serviceName"`
		Replicas            int
		PodManagementPolicy string            `yaml:"podManagementPolicy"`
		UpdateStrategy      map[string]string `yaml:"updateStrategy"`
		MinReadySeconds     int               `yaml:"minReadySeconds"`
		Selector            selector
		Template            struct {
			Metadata objectMeta
			Spec     pod
		}
	}
	pod struct {
		TerminationGracePeriodSeconds int            `yaml:"terminationGracePeriodSeconds"`
		AutomountServiceAccountToken  *bool          `yaml:"automountServiceAccountToken"`
		SecurityContext               map[string]any `yaml:"securityContext"`
		TopologySpreadConstraints     []struct {
			MaxSkew           int      `yaml:"maxSkew"`
			TopologyKey       string   `yaml:"topologyKey"`
			WhenUnsatisfiable string   `yaml:"whenUnsatisfiable"`
			LabelSelector     selector `yaml:"labelSelector"`
		} `yaml:"topologySpreadConstraints"`
		Containers []container
		Volumes    []struct {
			Name     string
			EmptyDir map[string]any `yaml:"emptyDir"`
		}
	}
	container struct {
		Name, Image string
		Ports       []struct {
			Name          string
			ContainerPort int `yaml:"containerPort"`
		}
		EnvFrom []struct {
			SecretRef struct{ Name string } `yaml:"secretRef"`
		} `yaml:"envFrom"`
		Env []struct {
			Name, Value string
			ValueFrom   struct {
				FieldRef struct {
					FieldPath string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		}
		ReadinessProbe probe `yaml:"readinessProbe"`
		LivenessProbe  probe `yaml:"livenessProbe"`
		Lifecycle      struct {
			PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
		}
		Resources       map[string]map[string]string
		SecurityContext map[string]any `yaml:"securityContext"`
		VolumeMounts    []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
		PeriodSeconds    int                         `yaml:"periodSeconds"`
		TimeoutSeconds   int                         `yaml:"timeoutSeconds"`
		FailureThreshold int                         `yaml:"failureThreshold"`
	}
	kubernetesService struct {
		ClusterIP                string `yaml:"clusterIP"`
		PublishNotReadyAddresses bool   `yaml:"publishNotReadyAddresses"`
		Selector                 map[string]string
		Ports                    []struct {
			Name       string
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
	}
	disruptionBudget struct {
		MaxUnavailable int `yaml:"maxUnavailable"`
		Selector       selector
	}
)

// strictly reads YAML whose fields are all known.
func strictly(t *testing.T, text []byte, into any) error {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

// manifests reads the objects by kind and name.
func manifests(t *testing.T) map[string]object {
	t.Helper()
	text, err := os.ReadFile("kubernetes/gateway.yaml")
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	objects := map[string]object{}
	for {
		var next object
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err)
		objects[next.Kind+"/"+next.Metadata.Name] = next
	}
}

// spec reads what an object is to be.
func spec[T any](t *testing.T, objects map[string]object, name, version string) (read T) {
	t.Helper()
	require.Contains(t, objects, name)
	require.Equal(t, version, objects[name].APIVersion)
	node := objects[name].Spec
	text, err := yaml.Marshal(&node)
	require.NoError(t, err)
	require.NoError(t, strictly(t, text, &read), name)
	return read
}

func TestTheManifestsOfKubernetesFitTogether(t *testing.T) {
	t.Parallel()
	objects := manifests(t)
	require.Len(t, objects, 4)
	set := spec[statefulSet](t, objects, "StatefulSet/gateway", "apps/v1")
	labels, template := set.Template.Metadata.Labels, set.Template.Spec
	require.NotEmpty(t, labels)
	require.Equal(t, labels, set.Selector.MatchLabels)
	require.Equal(t, labels, template.TopologySpreadConstraints[0].LabelSelector.MatchLabels)
	budget := spec[disruptionBudget](t, objects, "PodDisruptionBudget/gateway", "policy/v1")
	require.Equal(t, labels, budget.Selector.MatchLabels)
	require.Less(t, budget.MaxUnavailable, set.Replicas)
	require.NotZero(t, budget.MaxUnavailable, "machines can be emptied")

	gateway := template.Containers[0]
	ports := map[string]int{}
	for _, port := range gateway.Ports {
		ports[port.Name] = port.ContainerPort
	}
	for name, internal := range map[string]bool{"gateway": false, set.ServiceName: true} {
		s := spec[kubernetesService](t, objects, "Service/"+name, "v1")
		require.Equal(t, labels, s.Selector)
		require.Equal(t, internal, s.ClusterIP == "None")
		for _, port := range s.Ports {
			require.Equal(t, ports[port.TargetPort], port.Port, name)
			require.Equal(t, internal, port.TargetPort == "nodes", "the port of the nodes is theirs alone")
		}
	}
	require.Equal(t, "/readyz", gateway.ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "/healthz", gateway.LivenessProbe.HTTPGet.Path)
	for _, p := range []probe{gateway.ReadinessProbe, gateway.LivenessProbe} {
		require.Equal(t, 3003, ports[p.HTTPGet.Port])
		require.Positive(t, p.PeriodSeconds)
	}
	const drain = 25 // seconds that the server takes at most
	require.GreaterOrEqual(t, template.TerminationGracePeriodSeconds, gateway.Lifecycle.PreStop.Sleep.Seconds+drain+5)
	volumes := map[string]bool{}
	for _, volume := range template.Volumes {
		volumes[volume.Name] = true
	}
	for _, mount := range gateway.VolumeMounts {
		require.True(t, volumes[mount.Name], mount.Name)
	}
}

func TestAPodOfKubernetesIsANodeOnceItsSecretIsThere(t *testing.T) {
	t.Parallel()
	gateway := spec[statefulSet](t, manifests(t), "StatefulSet/gateway", "apps/v1").Template.Spec.Containers[0]
	require.Equal(t, "gateway", gateway.EnvFrom[0].SecretRef.Name)
	values := map[string]string{} // those that Kubernetes puts in
	secret := append(slices.Clone(shared), "POSTGRES_URL=postgres://u:p@db/gateway", "CLUSTER_REDIS_URL=redis://leases:6379/0")
	environ := slices.Clone(secret)
	defaults, _ := declared(t)
	for _, variable := range gateway.Env {
		value := variable.Value
		if at := variable.ValueFrom.FieldRef.FieldPath; at != "" {
			value = map[string]string{"status.podIP": "10.0.0.7", "metadata.name": "gateway-0"}[at]
			require.NotEmpty(t, value, at)
		}
		value = regexp.MustCompile(`\$\((\w+)\)`).ReplaceAllStringFunc(value, func(name string) string {
			require.Contains(t, values, name[2:len(name)-1], "it has to be named before")
			return values[name[2:len(name)-1]]
		})
		values[variable.Name] = value
		environ = append(environ, variable.Name+"="+value)
		if variable.Name != "POD_IP" {
			require.Contains(t, defaults, variable.Name)
		}
	}
	c, err := Load(environ, "")
	require.NoError(t, err)
	require.Equal(t, "gateway-0", c.Cluster.Name())
	require.Equal(t, "10.0.0.7:3004", c.Cluster.Advertised(""))
	_, port, ok := hostPort(c.Cluster.Listen)
	require.True(t, ok)
	named := map[string]int{"rest": c.HTTP.Port, "streams": c.HTTP.WebSocketPort, "nodes": int(port)}
	for _, p := range gateway.Ports {
		if want, asked := named[p.Name]; asked {
			require.Equal(t, want, p.ContainerPort, p.Name)
			continue
		}
		require.True(t, strings.HasSuffix(values["ADMIN_ADDR"], ":"+strconv.Itoa(p.ContainerPort)))
	}
}

func TestKustomizeTakesTheManifestsThatAreThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("kubernetes/kustomization.yaml")
	require.NoError(t, err)
	var file struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Resources  []string
		Images     []struct {
			Name    string
			NewName string `yaml:"newName"`
			NewTag  string `yaml:"newTag"`
		}
	}
	require.NoError(t, strictly(t, text, &file))
	require.Equal(t, []string{"gateway.yaml"}, file.Resources)
	set := spec[statefulSet](t, manifests(t), "StatefulSet/gateway", "apps/v1")
	require.Equal(t, set.Template.Spec.Containers[0].Image, file.Images[0].Name)
}
