// Unix sockets: each call says what it answered; the native run is the oracle.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <stddef.h>
#include <netinet/in.h>
#define P(...) do{printf(__VA_ARGS__);fflush(stdout);}while(0)
#define E(x) ({errno=0;long _r=(long)(x);P("%s = %ld e%d\n",#x,_r,errno);_r;})
static int sendfd(int s,int fd,const char*d,int n) {
  struct iovec iv={(void*)d,n};
  char c[CMSG_SPACE(4)];
  struct msghdr m={0,0,&iv,1,c,sizeof c,0};
  struct cmsghdr*h=CMSG_FIRSTHDR(&m);
  h->cmsg_level=SOL_SOCKET;
  h->cmsg_type=SCM_RIGHTS;
  h->cmsg_len=CMSG_LEN(4);
  *(int*)CMSG_DATA(h)=fd;
  return sendmsg(s,&m,0);
}
static void rcv(int s,int room,int croom,int flags) {
  char b[1000];
  struct iovec iv={b,room};
  char c[500];
  struct msghdr m={0,0,&iv,1,c,croom,0};
  long n=recvmsg(s,&m,flags);
  P("recvmsg %ld e%d flags %x clen %ld",n,n<0?errno:0,m.msg_flags&~MSG_CMSG_CLOEXEC,(long)m.msg_controllen);
  if(n>0)P(" '%.*s'",(int)n>room?room:(int)n,b);
  for(struct cmsghdr*h=n<0?0:CMSG_FIRSTHDR(&m);h;h=CMSG_NXTHDR(&m,h)) {
    P(" [%d %d len %ld",h->cmsg_level,h->cmsg_type,(long)h->cmsg_len);
    if(h->cmsg_type==SCM_RIGHTS) {
      int k=(h->cmsg_len-16)/4;
      for(int i=0;i<k;i++) {
        int fd=((int*)CMSG_DATA(h))[i];
        struct stat st;
        P(" fd ok %d",fstat(fd,&st)==0);
        P(" cloexec %d",fcntl(fd,F_GETFD));
        close(fd);
      }
    } else if(h->cmsg_type==SCM_CREDENTIALS) {
      struct ucred*u=(void*)CMSG_DATA(h);
      P(" pid ok %d uid %d",u->pid==getpid()||u->pid==getppid(),u->uid);
    }
    P("]");
  }
  P("\n");
}
static struct sockaddr_un A(const char*p,socklen_t*l) {
  struct sockaddr_un a;
  memset(&a,0,sizeof a);
  a.sun_family=AF_UNIX;
  if(*p=='@') {
    strcpy(a.sun_path+1,p+1);
    *l=2+1+strlen(p+1);
  } else {
    strcpy(a.sun_path,p);
    *l=2+strlen(p)+1;
  }
  return a;
}
static int L;
static void*acc(void*_) {
  usleep(30000);
  return (void*)(long)accept(L,0,0);
}
static volatile int got;
static void hh(int s) {
  got=s;
}
int main() {
  int s[2];
  char b[300000];
  struct sockaddr_un a;
  socklen_t l;
  struct pollfd pf;
  signal(SIGPIPE,hh);
  mkdir("/tmp", 0777);
  errno = 0;
  E(socket(AF_UNIX,77,0));
  E(socket(AF_UNIX,SOCK_STREAM,5));
  E(socketpair(AF_UNIX,SOCK_STREAM|SOCK_CLOEXEC,0,s));
  E(write(s[0],"hello",5));
  E(write(s[0]," world",6));
  int n;
  ioctl(s[1],FIONREAD,&n);
  P("fionread %d\n",n);
  E(recv(s[1],b,3,MSG_PEEK));
  E(recv(s[1],b,100,0));
  P("%.11s\n",b);
  E(recv(s[1],b,10,MSG_DONTWAIT));
  int ty;
  l=4;
  E(getsockopt(s[0],SOL_SOCKET,SO_TYPE,&ty,&l));
  P("type %d\n",ty);
  struct ucred u;
  l=sizeof u;
  E(getsockopt(s[0],SOL_SOCKET,SO_PEERCRED,&u,&l));
  P("peer %d %d %d l%d\n",u.pid==getpid(),u.uid,u.gid,l);
  l=sizeof a;
  E(getsockname(s[0],(void*)&a,&l));
  P("l %d fam %d\n",l,a.sun_family);
  l=sizeof a;
  E(getpeername(s[0],(void*)&a,&l));
  P("l %d\n",l);
  pipe((int[2]){0,0});
  int p[2];
  pipe(p);
  E(sendfd(s[0],p[0],"F",1));
  write(s[0],"after",5);
  rcv(s[1],100,100,0);
  rcv(s[1],100,100,0);
  write(s[0],"pre",3);
  E(sendfd(s[0],p[0],"G",1));
  write(s[0],"post",4);
  rcv(s[1],100,100,MSG_CMSG_CLOEXEC);
  rcv(s[1],100,100,0);
  E(sendfd(s[0],p[0],"H",1));
  rcv(s[1],100,0,0);
  E(sendfd(s[0],p[0],"I",1));
  rcv(s[1],1,100,MSG_PEEK);
  rcv(s[1],1,100,0);
  int on=1;
  E(setsockopt(s[1],SOL_SOCKET,SO_PASSCRED,&on,4));
  write(s[0],"cred",4);
  rcv(s[1],100,100,0);
  on=0;
  setsockopt(s[1],SOL_SOCKET,SO_PASSCRED,&on,4);
  pf=(struct pollfd){s[0],POLLIN|POLLOUT|POLLRDHUP,0};
  poll(&pf,1,0);
  P("poll %x\n",pf.revents);
  E(shutdown(s[1],SHUT_WR));
  poll(&pf,1,0);
  P("poll %x\n",pf.revents);
  E(recv(s[0],b,10,0));
  E(send(s[1],"x",1,MSG_NOSIGNAL));
  E(send(s[0],"y",1,0));
  E(recv(s[1],b,10,0));
  E(write(s[1],"z",1));
  P("sig %d\n",got);
  got=0;
  write(s[0],"unread",6);
  close(s[1]);
  poll(&pf,1,0);
  P("poll %x\n",pf.revents);
  E(recv(s[0],b,10,0));
  E(recv(s[0],b,10,0));
  E(send(s[0],"x",1,MSG_NOSIGNAL));
  close(s[0]);
  // big
  socketpair(AF_UNIX,SOCK_STREAM|SOCK_NONBLOCK,0,s);
  memset(b,'q',sizeof b);
  long t=0,r;
  while((r=write(s[0],b,4096))>0)t+=r;
  P("filled some %d e%d\n",t>100000&&t<400000,errno);
  pf=(struct pollfd){s[0],POLLOUT,0};
  P("full poll %d\n",poll(&pf,1,0));
  long k=0;
  while((r=read(s[1],b,5000))>0)k+=r;
  P("drained %d\n",k==t);
  P("poll %d\n",poll(&pf,1,0));
  close(s[0]);
  close(s[1]);
  // seqpacket
  E(socketpair(AF_UNIX,SOCK_SEQPACKET,0,s));
  E(send(s[0],"one",3,0));
  E(send(s[0],"two!",4,0));
  rcv(s[1],2,0,0);
  E(recv(s[1],b,100,0));
  E(send(s[0],"abcdef",6,0));
  E(recv(s[1],b,2,MSG_TRUNC));
  E(send(s[0],"",0,0));
  E(recv(s[1],b,2,0));
  close(s[0]);
  E(recv(s[1],b,2,0));
  E(send(s[1],"q",1,MSG_NOSIGNAL));
  close(s[1]);
  // stream path
  unlink("/tmp/sk1");
  L=socket(AF_UNIX,SOCK_STREAM,0);
  a=A("/tmp/sk1",&l);
  E(listen(L,5));
  E(bind(L,(void*)&a,l));
  E(bind(L,(void*)&a,l));
  int L2=socket(AF_UNIX,SOCK_STREAM,0);
  E(bind(L2,(void*)&a,l));
  struct stat st;
  stat("/tmp/sk1",&st);
  P("mode %o\n",st.st_mode&S_IFMT);
  E(open("/tmp/sk1",O_RDWR));
  int c=socket(AF_UNIX,SOCK_STREAM,0);
  pf=(struct pollfd){c,POLLIN|POLLOUT,0};
  poll(&pf,1,0);
  P("unconn poll %x\n",pf.revents);
  E(read(c,b,1));
  E(send(c,"x",1,MSG_NOSIGNAL));
  E(connect(c,(void*)&a,l));
  E(listen(L,1));
  E(connect(c,(void*)&a,l));
  E(connect(c,(void*)&a,l));
  pf=(struct pollfd){L,POLLIN|POLLOUT,0};
  poll(&pf,1,0);
  P("listen poll %x\n",pf.revents);
  struct sockaddr_un q;
  l=sizeof q;
  int d=accept4(L,(void*)&q,&l,SOCK_NONBLOCK|SOCK_CLOEXEC);
  P("acc %d l %d nb %d ce %d\n",d>0,l,(fcntl(d,F_GETFL)&O_NONBLOCK)!=0,fcntl(d,F_GETFD));
  l=sizeof q;
  E(getpeername(c,(void*)&q,&l));
  P("%d %s\n",l,q.sun_path);
  l=sizeof q;
  E(getsockname(d,(void*)&q,&l));
  P("%d %s\n",l,q.sun_path);
  E(write(c,"via path",8));
  E(read(d,b,100));
  E(read(d,b,100));
  l=4;
  E(getsockopt(L,SOL_SOCKET,SO_ACCEPTCONN,&n,&l));
  P("%d\n",n);
  int c2=socket(AF_UNIX,SOCK_STREAM|SOCK_NONBLOCK,0),c3=socket(AF_UNIX,SOCK_STREAM|SOCK_NONBLOCK,0),c4=socket(AF_UNIX,SOCK_STREAM|SOCK_NONBLOCK,0);
  a=A("/tmp/sk1",&l);
  E(connect(c2,(void*)&a,l));
  E(connect(c3,(void*)&a,l));
  E(connect(c4,(void*)&a,l));
  fcntl(c4,F_SETFL,0);
  pthread_t th;
  pthread_create(&th,0,acc,0);
  E(connect(c4,(void*)&a,l));
  pthread_join(th,0);
  write(c3,"lost",4);
  close(L);
  E(read(c3,b,10));
  E(read(c3,b,10));
  E(write(c3,"x",1));
  E(connect(L2,(void*)&a,l));
  unlink("/tmp/sk1");
  E(connect(L2,(void*)&a,l));
  // abstract dgram
  int x=socket(AF_UNIX,SOCK_DGRAM,0),y=socket(AF_UNIX,SOCK_DGRAM,0);
  a=A("@abs\0",&l);
  E(bind(x,(void*)&a,l));
  E(bind(y,(void*)&a,l));
  E(sendto(y,"dg",2,0,(void*)&a,l));
  l=sizeof q;
  E(recvfrom(x,b,10,0,(void*)&q,&l));
  P("l %d\n",l);
  a=A("@y",&l);
  E(bind(y,(void*)&a,l));
  a=A("@abs",&l);
  E(connect(y,(void*)&a,l));
  E(send(y,"dg2",3,0));
  l=sizeof q;
  E(recvfrom(x,b,10,0,(void*)&q,&l));
  P("l %d %s\n",l,q.sun_path+1);
  E(send(x,"noconn",6,0));
  a=A("@none",&l);
  E(sendto(x,"r",1,0,(void*)&a,l));
  E(connect(x,(void*)&a,l));
  int st2=socket(AF_UNIX,SOCK_STREAM,0);
  a=A("@abs",&l);
  E(connect(st2,(void*)&a,l));
  E(send(y,b,260000,0));
  close(x);
  E(send(y,"gone",4,0));
  E(send(y,"gone",4,0));
  int au=socket(AF_UNIX,SOCK_DGRAM,0);
  a.sun_family=AF_UNIX;
  E(bind(au,(void*)&a,2));
  l=sizeof q;
  getsockname(au,(void*)&q,&l);
  P("auto l %d\n",l);
  // timeouts
  socketpair(AF_UNIX,SOCK_STREAM,0,s);
  struct timeval tv={0,30000};
  E(setsockopt(s[0],SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv));
  E(recv(s[0],b,1,0));
  // waitall & mmsg
  pid_t pid=fork();
  if(!pid) {
    for(int i=0;i<5;i++) {
      write(s[1],"ab",2);
      usleep(5000);
    }
    _exit(0);
  }
  tv=(struct timeval){0,0};
  setsockopt(s[0],SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv);
  E(recv(s[0],b,10,MSG_WAITALL));
  waitpid(pid,0,0);
  struct mmsghdr mm[3];
  struct iovec iv[3];
  memset(mm,0,sizeof mm);
  char*w[]={"m1","m22","m333"};
  socketpair(AF_UNIX,SOCK_DGRAM,0,s);
  for(int i=0;i<3;i++) {
    iv[i]=(struct iovec){w[i],strlen(w[i])};
    mm[i].msg_hdr.msg_iov=&iv[i];
    mm[i].msg_hdr.msg_iovlen=1;
  }
  E(sendmmsg(s[0],mm,3,0));
  P("%d %d\n",mm[0].msg_len,mm[2].msg_len);
  for(int i=0;i<3;i++)iv[i]=(struct iovec) {
    b+100*i,100
  }
  ;
  E(recvmmsg(s[1],mm,3,MSG_WAITFORONE,0));
  P("%d %d %.4s\n",mm[0].msg_len,mm[2].msg_len,b+200);
  E(bind(1,(void*)&a,l));
  E(shutdown(s[0],5));
  l=4;
  E(getsockopt(s[0],6,1,&n,&l));
  E(getsockopt(s[0],SOL_SOCKET,999,&n,&l));
  E(setsockopt(s[0],SOL_SOCKET,SO_SNDBUF,&(int){5000},4));
  l=4;
  getsockopt(s[0],SOL_SOCKET,SO_SNDBUF,&n,&l);
  P("sndbuf %d\n",n);
  getsockopt(s[0],SOL_SOCKET,SO_RCVBUF,&n,&l);
  P("rcvbuf %d\n",n);
  return 0;
}
